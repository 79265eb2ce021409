import FoundationEssentials
import Testing
import Workbench

@testable import Verification

/// A root file system in memory. Its digests are of the same kind as real ones, but made from the texts themselves.
struct MadeTree: FileTree {
    struct Node {
        var kind: FileEntry.Kind
        var text = ""
        var isSetID = false
    }

    private(set) var nodes: [String: Node] = [:]

    mutating func add(_ path: String, _ text: String = "", isSetID: Bool = false) {
        addParents(of: path)
        nodes[path] = Node(kind: .file, text: text, isSetID: isSetID)
    }

    mutating func addDirectory(_ path: String) {
        addParents(of: path)
        nodes[path] = Node(kind: .directory)
    }

    mutating func addLink(_ path: String, to target: String) {
        addParents(of: path)
        nodes[path] = Node(kind: .link(to: target))
    }

    mutating func append(_ text: String, to path: String) {
        nodes[path]!.text += text
    }

    mutating func remove(_ path: String) {
        nodes[path] = nil
    }

    private mutating func addParents(of path: String) {
        let parent = parentDirectory(path)
        guard !parent.isEmpty, nodes[parent] == nil else { return }
        addDirectory(parent)
    }

    func entries() throws -> [FileEntry] {
        nodes.sorted { $0.key.split(separator: "/").lexicographicallyPrecedes($1.key.split(separator: "/")) }.map {
            FileEntry($0, $1.kind, bytes: Int64($1.text.utf8.count), isSetID: $1.isSetID)
        }
    }

    func text(_ path: String) throws -> String { try #require(nodes[path]).text }

    func digest(_ path: String, _ algorithm: FileDigest.Algorithm) throws -> String {
        let text = try text(path)
        return switch algorithm {
        case .md5: Self.md5(text)
        case .sha256: Self.sha256(text)
        }
    }

    static func md5(_ text: String) -> String { hexadecimal(bytes(of: text, 16)) }
    static func sha256(_ text: String) -> String { hexadecimal(bytes(of: text, 32)) }

    static func record(_ path: String, _ text: String) -> String {
        let digest = Data(bytes(of: text, 32)).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        return "\(path),sha256=\(digest),\(text.utf8.count)\n"
    }

    /// FNV-1a, continued until there are enough bytes.
    private static func bytes(of text: String, _ count: Int) -> [UInt8] {
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        return (0..<count).map { index in
            hash = (hash ^ UInt64(index)) &* 1_099_511_628_211
            return UInt8(truncatingIfNeeded: hash >> 24)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

let site = "/opt/jupyterlab/lib/python3.11/site-packages"

/// A small sandbox in which everything is accounted for.
func cleanTree() -> MadeTree {
    var tree = MadeTree()
    // A package lists /bin/dash, which lies in /usr/bin.
    let packaged = [
        "/usr/bin/dash": "shell", "/usr/bin/ls": "ls", "/usr/bin/python3.11": "python",
        "/usr/lib/python3/apt.py": "apt",
        "/usr/bin/passwd": "passwd", "/usr/lib/grub/i386-pc/boot.mod": "module",
    ]
    let configuration = ["/etc/login.defs": "UMASK 022\n", "/etc/skel/.bashrc": "alias ll='ls -l'\n"]
    for (path, text) in packaged.merging(configuration, uniquingKeysWith: { $1 }) { tree.add(path, text) }
    tree.add("/usr/bin/passwd", "passwd", isSetID: true)
    tree.addLink("/bin", to: "usr/bin")
    tree.addLink("/usr/bin/python3", to: "python3.11")
    let directories = [
        "/etc", "/root", "/tmp", "/var/log", "/var/spool", "/var/mail", "/var/lib/systemd", "/usr/bin",
        "/etc/sudoers.d", "/etc/NetworkManager/system-connections", "/etc/ssh",
    ]
    for directory in directories { tree.addDirectory(directory) }
    let listed = packaged.keys.map { $0 == "/usr/bin/dash" ? "/bin/dash" : $0 } + configuration.keys + directories
    tree.add("/var/lib/dpkg/info/base.list", (listed + ["/usr/bin/python3"]).joined(separator: "\n"))
    tree.add(
        "/var/lib/dpkg/info/base.md5sums",
        packaged.map { "\(MadeTree.md5($1))  \($0.dropFirst())\n" }.joined())
    tree.add(
        "/var/lib/dpkg/status",
        "Package: base\nConffiles:\n" + configuration.map { " \($0) \(MadeTree.md5($1))\n" }.joined())
    // Python
    tree.add("\(site)/a/__init__.py", "import b\n")
    tree.add("\(site)/a/__pycache__/__init__.cpython-311.pyc", "bytecode")
    tree.add(
        "\(site)/a-1.0.dist-info/RECORD",
        MadeTree.record("a/__init__.py", "import b\n") + MadeTree.record("../../../bin/a", "#!python\n")
            + "a-1.0.dist-info/RECORD,,\n")
    tree.add("/opt/jupyterlab/bin/a", "#!python\n")
    tree.add("/usr/lib/python3/__pycache__/apt.cpython-311.pyc", "bytecode")
    // Generated
    tree.add("/boot/grub/i386-pc/boot.mod", "module")
    tree.add("/boot/initrd.img-6.1.0", "initial RAM disk")
    tree.add("/etc/ld.so.cache", "cache")
    tree.add("/home/ubuntu/.bashrc", "alias ll='ls -l'\n")
    tree.addLink("/etc/alternatives/python", to: "/usr/bin/python3")
    // Declared
    tree.add("/etc/machine-id")
    tree.add("/etc/hostname", "sandbox\n")
    tree.add("/etc/hosts", "127.0.0.1 localhost\n::1 ip6-localhost\n")
    tree.add(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n"
    )
    tree.add("/etc/shadow", "root:*:19000:0:99999:7:::\nubuntu:$6$a$b:0:0:99999:7:::\n")
    tree.add("/etc/group", "root:x:0:\nsudo:x:27:ubuntu\nubuntu:x:1000:\n")
    tree.add("/home/ubuntu/notebooks/00-start.ipynb", "{}")
    tree.add("/usr/local/bin/tool", "#!/bin/sh\n")
    return tree
}

let madeDeclarations = FileDeclaration.parse(
    """
    # Notebooks
    ~/notebooks/*.ipynb

    /usr/local/bin/tool
    """, role: "mine", home: "/home/ubuntu")

func inspect(_ tree: MadeTree, accepted: [String] = []) async throws -> InspectionReport {
    try await Inspection(ExpectedSystem(user: "ubuntu"), declarations: madeDeclarations, accepted: accepted).run(tree)
}

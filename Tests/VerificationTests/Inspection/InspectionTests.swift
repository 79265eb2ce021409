import Testing

@testable import Verification

struct InspectionTests {
    @Test("in a clean system everything is known, and each file has one origin")
    func clean() async throws {
        let report = try await inspect(cleanTree())
        #expect(report.unknown == [])
        #expect(report.grouped == [])
        #expect(report.passed)
        #expect(report.files == [.package: 9, .python: 3, .generated: 17, .declared: 2])
    }

    @Test("what packages, distributions and roles do not account for is unknown", arguments: leaks)
    func leak(_ leak: Leak) async throws {
        var tree = cleanTree()
        leak.plant(&tree)
        let report = try await inspect(tree)
        #expect(report.unknown.map(\.path) == [leak.path])
        #expect(report.unknown.first?.reason.contains(leak.reason) == true, "\(report.unknown)")
        #expect(!report.passed)
    }

    @Test("all leaks together are found, each by its name")
    func allLeaks() async throws {
        var tree = cleanTree()
        for leak in leaks { leak.plant(&tree) }
        let found = Set(try await inspect(tree).unknown.map(\.path))
        #expect(found == Set(leaks.map(\.path)))
    }

    @Test("what a step keeps of earlier states is known, and no more of them than it keeps")
    func earlierStates() async throws {
        var tree = cleanTree()
        for number in [0, 1, 7] { tree.add("/var/lib/ucf/registry.\(number)", "openssh-server /etc/ssh/sshd_config") }
        tree.add("/var/lib/ucf/hashfile.0")
        #expect(try await inspect(tree).unknown == [])
        tree.add("/var/lib/ucf/registry.8", "x")
        #expect(try await inspect(tree).unknown.map(\.path) == ["/var/lib/ucf/registry.8"])
    }

    @Test("a folder in which nothing is known stands for its files")
    func grouping() async throws {
        var tree = cleanTree()
        for name in 1...3 { tree.add("/opt/own/lib/\(name)", "x") }
        tree.addDirectory("/opt/own/empty")
        tree.add("/usr/local/bin/other", "x")
        let report = try await inspect(tree)
        #expect(
            report.grouped == [
                .init(path: "/opt/own/", reason: "unknown directory", files: 3),
                .init(path: "/usr/local/bin/other", reason: "unknown file", files: 1),
            ])
        #expect(
            report.unknown.map(\.path) == [
                "/opt/own/empty/", "/opt/own/lib/1", "/opt/own/lib/2", "/opt/own/lib/3", "/usr/local/bin/other",
            ])
    }

    @Test("accepted paths are counted, with all that is in them; their neighbors stay unknown")
    func accepted() async throws {
        var tree = cleanTree()
        tree.add("/opt/own/lib/1", "x")
        tree.add("/opt/own-other", "x")
        tree.append("eve:x:1001:1001::/home/eve:/bin/bash\n", to: "/etc/passwd")
        let report = try await inspect(tree, accepted: ["/opt/own/", "/etc/passwd"])
        #expect(report.unknown.map(\.path) == ["/opt/own-other"])
        #expect(report.files[.accepted] == 2)
    }

    @Test("a role may change a configuration file that it declares")
    func declaredChange() async throws {
        var tree = cleanTree()
        tree.append("# changed\n", to: "/etc/login.defs")
        let inspection = Inspection(
            ExpectedSystem(user: "ubuntu"),
            declarations: madeDeclarations + [FileDeclaration("/etc/login.defs", by: "x")])
        #expect(try await inspection.run(tree).passed)
    }

    @Test("a diverted file is known under its other name")
    func diversion() async throws {
        var tree = cleanTree()
        tree.add("/usr/bin/ls.old", "ls")
        tree.add("/usr/bin/ls", "other ls")
        tree.add("/var/lib/dpkg/diversions", "/usr/bin/ls\n/usr/bin/ls.old\nother\n")
        tree.add("/var/lib/dpkg/info/other.list", "/usr/bin/ls\n")
        tree.add("/var/lib/dpkg/info/other.md5sums", "\(MadeTree.md5("other ls"))  usr/bin/ls\n")
        #expect(try await inspect(tree).unknown == [])
    }
}

/// Something in a system that does not belong there.
struct Leak: Sendable, CustomTestStringConvertible {
    var path: String
    var reason: String
    var plant: @Sendable (inout MadeTree) -> Void

    var testDescription: String { path }

    /// A file that is added.
    init(_ path: String, isSetID: Bool = false) {
        self.init(path, isSetID ? "sets the user or group ID" : "unknown file") {
            $0.add(path, "secret", isSetID: isSetID)
        }
    }

    init(_ path: String, _ reason: String, _ plant: @escaping @Sendable (inout MadeTree) -> Void) {
        self.path = path
        self.reason = reason
        self.plant = plant
    }

    /// A line at the end of a file.
    init(_ path: String, adding line: String, _ reason: String) {
        self.init(path, reason) { $0.append(line + "\n", to: path) }
    }
}

let leaks: [Leak] = [
    // Of people and their tools
    Leak("/home/ubuntu/.psql_history"), Leak("/root/.bash_history"), Leak("/home/ubuntu/.config/gh/hosts.yml"),
    Leak("/root/.kube/config"), Leak("/home/ubuntu/.aws/credentials"), Leak("/root/.netrc"),
    Leak("/home/ubuntu/.git-credentials"), Leak("/home/ubuntu/.ssh/authorized_keys"),
    Leak("/home/ubuntu/.local/share/jupyter/runtime/jupyter_cookie_secret"),
    Leak("/home/ubuntu/.ipython/profile_default/history.sqlite"), Leak("/home/ubuntu/notebooks/customers.csv"),
    // Of services and of the machine
    Leak("/var/spool/cron/crontabs/ubuntu"), Leak("/var/mail/ubuntu"), Leak("/var/log/syslog"),
    Leak("/etc/NetworkManager/system-connections/office.nmconnection"), Leak("/var/lib/docker/overlay2/a/diff/b"),
    Leak("/etc/docker/key.json"), Leak("/etc/ssh/ssh_host_ed25519_key"), Leak("/var/lib/systemd/random-seed"),
    Leak("/var/lib/cloud/instances/i-1/user-data.txt"), Leak("/etc/sudoers.d/x"), Leak("/root/.cache/pip/http/a"),
    Leak("/opt/own/program"), Leak("/usr/local/bin/dash", isSetID: true), Leak("/tmp/.X11-lock"),
    Leak("/etc/machine-id", adding: "0123456789abcdef0123456789abcdef", "identifies the machine"),
    Leak("/etc/hostname", "the host name is not 'sandbox'") { $0.add("/etc/hostname", "build-7\n") },
    Leak("/etc/hosts", adding: "10.1.2.3 artifacts.corp", "names the host 10.1.2.3"),
    Leak("/etc/passwd", adding: "eve:x:1001:1001::/home/eve:/bin/bash", "has the user eve"),
    Leak("/etc/shadow", adding: "daemon:$6$a$b:19000:0:99999:7:::", "has a password for daemon"),
    Leak("/etc/group", adding: "admins:x:1001:", "has the group admins"),
    // Changes of what is known
    Leak("/usr/bin/ls", adding: "more", "differs from what package base has recorded"),
    Leak("/etc/login.defs", adding: "UMASK 000", "differs from what package base has recorded"),
    Leak("/usr/bin/python3.11", "differs from what package base") { $0.addLink("/usr/bin/python3.11", to: "/tmp/x") },
    Leak("\(site)/a/__init__.py", adding: "import os", "differs from what distribution a-1.0 has recorded"),
    Leak("\(site)/a/__pycache__/other.cpython-311.pyc"),
    Leak("/home/ubuntu/.bashrc", adding: "export TOKEN=1", "differs from what the original's package has recorded"),
    Leak("/usr/local/bin/tool", "sets the user or group ID") {
        $0.add("/usr/local/bin/tool", "#!/bin/sh\n", isSetID: true)
    },
    Leak("/etc/resolv.conf", "has content") { $0.add("/etc/resolv.conf", "nameserver 10.1.2.3\n") },
]

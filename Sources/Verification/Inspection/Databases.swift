import FoundationEssentials
import Workbench

/// The packages of dpkg and their files, from its database in the system.
struct PackageDatabase: Sendable {
    /// The package of each path.
    private(set) var owners: [String: String] = [:]
    /// The MD5 of each file with a recorded one; several where a package diverts the file of another.
    private(set) var digests: [String: Set<String>] = [:]

    private static let folder = "/var/lib/dpkg"

    init(_ entries: [FileEntry], in tree: some FileTree) throws {
        var present: Set<String> = []
        // A link could lead out of the tree.
        for entry in entries where entry.kind == .file && entry.path.hasPrefix("\(Self.folder)/") {
            present.insert(entry.path)
        }
        for path in present where path.hasPrefix("\(Self.folder)/info/") {
            let file = baseName(path)
            if file.hasSuffix(".list") {
                let name = String(file.dropLast(".list".count))
                for line in Self.lines(try tree.text(path)) { owners[Self.canonical(line)] = name }
            } else if file.hasSuffix(".md5sums") {
                for line in Self.lines(try tree.text(path)) where line.utf8.count > 34 {
                    digests[Self.canonical("/" + line.dropFirst(34)), default: []].insert(String(line.prefix(32)))
                }
            }
        }
        if present.contains("\(Self.folder)/status") { addConfiguration(try tree.text("\(Self.folder)/status")) }
        if present.contains("\(Self.folder)/diversions") { divert(try tree.text("\(Self.folder)/diversions")) }
    }

    /// Configuration files in `status`: ` PATH MD5 [obsolete]`, below `Conffiles:`.
    private mutating func addConfiguration(_ status: String) {
        for line in Self.lines(status) where line.hasPrefix(" /") {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[1].utf8.count == 32 else { continue }
            digests[Self.canonical(String(words[0])), default: []].insert(String(words[1]))
        }
    }

    /// A diverted file lies under its other name, and that of the package that diverts it under the first; three lines
    /// each: from, to, by whom.
    private mutating func divert(_ text: String) {
        let lines = Self.lines(text).map(Self.canonical)
        for index in stride(from: 0, to: lines.count - 2, by: 3) {
            let (from, to) = (lines[index], lines[index + 1])
            owners[to] = owners[from]
            digests[to] = digests[from]
        }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map(String.init)
    }

    /// The path behind the links of the merged `/usr`, because packages still list files in `/bin` and `/lib`.
    static func canonical(_ path: String) -> String {
        for folder in ["/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/"] where path.hasPrefix(folder) {
            return "/usr" + path
        }
        return path
    }
}

/// The installed Python distributions and their files, from the `RECORD` of each.
struct PythonRecords: Sendable {
    struct Record: Sendable {
        var distribution: String
        /// Several for a file that two distributions list, such as a vendored one that was patched.
        var sha256: Set<String>
    }

    private(set) var files: [String: Record] = [:]

    init(_ entries: [FileEntry], in tree: some FileTree) throws {
        for entry in entries where entry.kind == .file && entry.path.hasSuffix(".dist-info/RECORD") {
            let information = parentDirectory(entry.path)
            let base = parentDirectory(information)
            let name = String(baseName(information).dropLast(".dist-info".count))
            for line in try tree.text(entry.path).split(whereSeparator: \.isNewline) {
                guard let (path, digest) = Self.fields(line) else { continue }
                let file = Self.joined(base, path)
                files[file, default: Record(distribution: name, sha256: [])].sha256.formUnion(digest.map { [$0] } ?? [])
            }
        }
    }

    /// `PATH,sha256=DIGEST,SIZE`, a path with a comma in quotes; the digest is missing for files made on installation.
    static func fields(_ line: Substring) -> (path: String, sha256: String?)? {
        let parts = line.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        var path = parts.dropLast(2).joined(separator: ",")
        if path.hasPrefix("\""), path.hasSuffix("\"") {
            path = String(path.dropFirst().dropLast()).replacing("\"\"", with: "\"")
        }
        let digest = parts[parts.count - 2]
        guard digest.hasPrefix("sha256=") else { return (path, nil) }
        var base64 = digest.dropFirst(7).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: String(base64)) else { return (path, nil) }
        let digits = Array("0123456789abcdef".utf8)
        return (path, String(decoding: data.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self))
    }

    /// A path relative to a directory, without `.` and `..`.
    static func joined(_ base: String, _ path: String) -> String {
        var parts: [Substring] = path.hasPrefix("/") ? [] : base.split(separator: "/")
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

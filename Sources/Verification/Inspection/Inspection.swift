import FoundationEssentials
import Workbench

/// Accounts for every file of a system that does not run.
///
/// A file is known if somebody claims it: a package or a Python distribution that recorded its digest, a step of the
/// build that generates it, or a role that declares it. Everything else is unknown. Nothing is looked for by name, so
/// that traces are found that nobody thought of.
package struct Inspection: Sendable {
    private let declarations: [FileDeclaration]
    private let accepted: Set<String>
    private let content: DeclaredContent
    private let generated = GeneratedFiles()

    /// - Parameter accepted: paths of unknown files that are accepted; a directory includes its content.
    package init(_ system: ExpectedSystem, declarations: [FileDeclaration], accepted: [String] = []) {
        self.declarations = declarations
        self.accepted = Set(accepted.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
        content = DeclaredContent(system: system)
    }

    package func run(_ tree: some FileTree) async throws -> InspectionReport {
        let entries = try tree.entries()
        let databases = try Databases(entries, in: tree)
        let claims = entries.map { self.claims(to: $0, databases) }
        let findings = try await onAllProcessors(entries.count) { [content] index in
            try Self.finding(on: entries[index], claims[index], content, in: tree)
        }
        return InspectionReport(entries, findings)
    }

    /// Who may say where an entry comes from, in the order in which they are asked.
    private func claims(to entry: FileEntry, _ databases: Databases) -> [Claim] {
        let path = entry.path
        if isAccepted(path) { return [Claim(.accepted, "accepted")] }
        var claims: [Claim] = []
        let canonical = PackageDatabase.canonical(path)
        if let owner = databases.packages.owners[canonical] {
            let recorded = databases.packages.digests[canonical] ?? []
            // A link or directory has no digest, unless it replaces a file.
            let condition: Claim.Condition =
                recorded.isEmpty && entry.kind != .file ? .any : .digests(.md5, recorded)
            claims.append(Claim(.package, "package \(owner)", condition))
        }
        // Only a package may give its files the rights of their owner, which is mostly root.
        if entry.isSetID { return claims }
        if entry.kind == .directory {
            if GeneratedFiles.directories.contains(where: { $0.matches(path) }) || path == content.system.home {
                claims.append(Claim(.generated, "base system"))
            }
        } else {
            claims += pythonClaims(to: path, databases)
            claims += generatedClaims(to: path, databases)
        }
        claims += declarations.filter { $0.pattern.matches(path) }.map { Claim(.declared, $0.owner) }
        return claims
    }

    private func pythonClaims(to path: String, _ databases: Databases) -> [Claim] {
        if let source = Self.source(ofBytecode: path), databases.isFile(source) {
            return [Claim(.generated, "bytecode")]
        }
        guard let record = databases.python.files[path] else { return [] }
        let isRecord = path.hasSuffix(".dist-info/RECORD")
        return [
            Claim(
                .python, "distribution \(record.distribution)",
                isRecord && record.sha256.isEmpty ? .any : .digests(.sha256, record.sha256))
        ]
    }

    private func generatedClaims(to path: String, _ databases: Databases) -> [Claim] {
        var claims: [Claim] = []
        for (copy, original) in GeneratedFiles.copies(home: content.system.home) where path.hasPrefix(copy) {
            guard let digests = databases.packages.digests[original + path.dropFirst(copy.count)] else { continue }
            claims.append(Claim(.generated, "the original's package", .digests(.md5, digests)))
        }
        for rule in generated.rules(for: path) {
            switch rule.condition {
            case .any: claims.append(Claim(.generated, rule.step))
            case .empty: claims.append(Claim(.generated, rule.step, .empty))
            case .link:
                guard case .link(let target) = databases.paths[path],
                    target == "/dev/null"
                        || databases.exists(PythonRecords.joined(parentDirectory(path), target))
                else { continue }
                claims.append(Claim(.generated, rule.step))
            }
        }
        return claims
    }

    private func isAccepted(_ path: String) -> Bool {
        guard !accepted.isEmpty else { return false }
        var path = Substring(path)
        while !path.isEmpty {
            if accepted.contains(String(path)) { return true }
            path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        }
        return false
    }

    /// `DIR/__pycache__/NAME.TAG.pyc` comes from `DIR/NAME.py`.
    private static func source(ofBytecode path: String) -> String? {
        guard path.hasSuffix(".pyc") else { return nil }
        let folder = parentDirectory(path)
        guard folder.hasSuffix("/__pycache__"), let name = baseName(path).split(separator: ".").first else {
            return nil
        }
        return "\(parentDirectory(folder))/\(name).py"
    }

    /// The first claim that holds, or why there is none.
    private static func finding(
        on entry: FileEntry, _ claims: [Claim], _ content: DeclaredContent, in tree: some FileTree
    ) throws -> Finding {
        if entry.kind == .file, claims.first?.origin != .accepted, content.declares(entry.path) {
            let mistake = content.mistake(in: entry.path, try tree.text(entry.path))
            return mistake.map { .unknown($0) } ?? .known(.generated)
        }
        for claim in claims where try claim.holds(for: entry, in: tree) { return .known(claim.origin) }
        if let claim = claims.first { return .unknown(claim.mistake) }
        if entry.isSetID { return .unknown("sets the user or group ID, but is in no package") }
        return .unknown(entry.kind == .directory ? "unknown directory" : "unknown file")
    }

    /// Runs `body`, which reads files, for each number below `count`.
    private func onAllProcessors<Result: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Result
    ) async throws -> [Result] {
        let workers = max(1, ProcessInfo.processInfo.activeProcessorCount)
        return try await withThrowingTaskGroup(of: [(Int, Result)].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    try await inBackground {
                        try stride(from: worker, to: count, by: workers).map { ($0, try body($0)) }
                    }
                }
            }
            let parts = try await group.reduce(into: []) { $0 += $1 }
            return parts.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

/// What the system itself knows about its files.
private struct Databases: Sendable {
    let packages: PackageDatabase
    let python: PythonRecords
    let paths: [String: FileEntry.Kind]

    init(_ entries: [FileEntry], in tree: some FileTree) throws {
        packages = try PackageDatabase(entries, in: tree)
        python = try PythonRecords(entries, in: tree)
        paths = Dictionary(uniqueKeysWithValues: entries.map { ($0.path, $0.kind) })
    }

    /// Whether there is a file, or a link to one.
    func isFile(_ path: String) -> Bool {
        switch paths[path] {
        case .file: true
        case .link(let target): exists(PythonRecords.joined(parentDirectory(path), target))
        default: false
        }
    }

    func exists(_ path: String) -> Bool {
        let canonical = PackageDatabase.canonical(path)
        return paths[path] != nil || paths[canonical] != nil || packages.owners[canonical] != nil
    }
}

/// Somebody who says where an entry comes from, and the condition for it.
private struct Claim: Sendable {
    enum Condition: Sendable {
        case any
        case empty
        case digests(FileDigest.Algorithm, Set<String>)
    }

    var origin: InspectionReport.Origin
    var owner: String
    var condition: Condition

    init(_ origin: InspectionReport.Origin, _ owner: String, _ condition: Condition = .any) {
        self.origin = origin
        self.owner = owner
        self.condition = condition
    }

    /// Why the claim does not hold.
    var mistake: String {
        if case .empty = condition { return "has content, but \(owner) leaves it empty" }
        return "differs from what \(owner) has recorded"
    }

    func holds(for entry: FileEntry, in tree: some FileTree) throws -> Bool {
        switch condition {
        case .any: true
        case .empty: entry.kind == .file && entry.bytes == 0
        case .digests(let algorithm, let values):
            try entry.kind == .file && !values.isEmpty && values.contains(tree.digest(entry.path, algorithm))
        }
    }
}

/// The origin of an entry, or why nobody knows it.
enum Finding: Sendable, Equatable {
    case known(InspectionReport.Origin)
    case unknown(String)
}

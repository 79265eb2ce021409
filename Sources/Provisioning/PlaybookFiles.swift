import Workbench

/// The contents of a playbook's folder as hashes, split by the steps that read them.
struct PlaybookFiles {
    /// What every step reads: the play itself, group variables, roles that the play does not list, and the
    /// parts of the listed roles that Ansible loads for the whole play, such as default variables and handlers.
    let shared: ContentHash
    /// The listed roles that any step may run, because the play's own tasks or a role that is not listed call them.
    let called: [String]
    /// The roles that the play lists, by name.
    let roles: [String: Role]

    struct Role {
        /// All files of the role.
        var files: ContentHash
        /// The listed roles that this one runs or reads: its dependencies, and those that its tasks include.
        var called: [String]
    }

    init(_ folder: String, roles names: [String]) throws {
        var shared = ContentHash()
        var roles: [String: Role] = [:]
        called = try shared.addFiles(of: folder, callsAmong: names) { path in
            !names.contains { path == "roles/\($0)" }
        }
        for name in names where fileExists("\(folder)/roles/\(name)") {
            let role = "\(folder)/roles/\(name)"
            shared.add("role", name)
            try shared.addTree(role) { path in
                !["tasks", "files", "templates"].contains { path == $0 } && isInput(path)
            }
            var own = ContentHash()
            let called = try own.addFiles(of: role, callsAmong: names.filter { $0 != name }) { _ in true }
            roles[name] = Role(files: own, called: called)
        }
        self.shared = shared
        self.roles = roles
    }
}

extension ContentHash {
    /// Adds the files of a playbook or role.
    /// - Returns: Those of `roles` that the files call.
    fileprivate mutating func addFiles(
        of folder: String, callsAmong roles: [String], where isIncluded: (String) -> Bool
    ) throws -> [String] {
        var paths: [String] = []
        try addTree(folder) { path in
            guard isIncluded(path), isInput(path) else { return false }
            paths.append(path)
            return true
        }
        var called: Set<String> = []
        for path in paths where [".yml", ".yaml", ".j2"].contains(where: path.hasSuffix) && !isIn("files", path) {
            // A file whose name is not UTF-8 may call any role.
            let text = try? readText("\(folder)/\(path)")
            called.formUnion(text.map { RoleCalls.find(in: $0, isMeta: isIn("meta", path), roles) } ?? Set(roles))
        }
        return called.sorted()
    }
}

/// Finds the roles that a file of a playbook mentions in a way in which Ansible may run or read them.
enum RoleCalls {
    /// A role too many only makes a cache key change more often; a role too few would keep an outdated cache entry.
    static func find(in text: String, isMeta: Bool, _ roles: [String]) -> Set<String> {
        let included = text.matches(of: call).map(\.1)
        // The name is known only when Ansible runs.
        if included.contains(where: { $0.contains("{") }) { return Set(roles) }
        let read = text.matches(of: path).map(\.1)
        var names = Set((included + read).map(String.init))
        if isMeta, let start = text.firstRange(of: "dependencies:")?.upperBound {
            names.formUnion(text[start...].matches(of: /[A-Za-z0-9_.\-]+/).map { String($0.output) })
        }
        return names.intersection(roles)
    }

    nonisolated(unsafe) private static let call =
        /(?s)(?:include|import)_role\b.*?\b(?:name|role)["']?\s*[:=]\s*["']?([^\s"',}]+)/
    nonisolated(unsafe) private static let path = /(?:roles|\.\.)\/([A-Za-z0-9_][A-Za-z0-9_.\-]*)\//
}

/// Whether a file is an input of the build. A README is not, nor is what `dss inspect` reads, unless a role installs it,
/// and never what an editor leaves next to a file that it edits.
private func isInput(_ path: String) -> Bool {
    let name = baseName(path)
    let isNote = ["README.md", "files.txt", ".DS_Store"].contains(name)
    return !path.hasPrefix(".") && !isOfEditor(name)
        && (!isNote || isIn("files", path) || isIn("templates", path))
}

/// The swap files of Vim, the locks and automatic copies of Emacs, and the copies of the version before.
private func isOfEditor(_ name: String) -> Bool {
    name.hasSuffix("~") || name.hasPrefix(".#") || (name.hasPrefix("#") && name.hasSuffix("#"))
        || name.wholeMatch(of: /\..*\.sw[a-z]/) != nil
}

private func isIn(_ folder: Substring, _ path: String) -> Bool {
    path.split(separator: "/").dropLast().contains(folder)
}

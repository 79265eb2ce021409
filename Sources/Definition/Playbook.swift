import Sandbox

/// Reads the roles of a playbook, in the order in which it runs them, and refuses what a build would leave out.
struct PlaybookRoles {
    /// Path of the playbook as shown in diagnostics.
    var path: String
    /// Whether the folder of the playbook has a role of this name.
    var exists: (String) -> Bool

    /// - Returns: The roles without a trailing `tidy`, unless it is the only one; `nil` if there are errors.
    func read(_ document: Item, _ diagnostics: inout [Diagnostic]) -> [String]? {
        guard let play = play(document, &diagnostics) else { return nil }
        guard let list = play["roles"], case .list(let entries) = list.content, !entries.isEmpty else {
            diagnostics.append(
                Diagnostic(play["roles"]?.place ?? play.place, "the play has no list of roles", Self.example))
            return nil
        }
        let before = diagnostics.count
        checkTarget(of: play, &diagnostics)
        checkTags(of: play, "the play", &diagnostics)
        var roles: [String] = []
        for entry in entries {
            guard let role = Self.name(entry) else {
                diagnostics.append(
                    Diagnostic(entry.place, "a role must be a name, found \(entry.found)", Self.example))
                continue
            }
            if roles.contains(role) {
                diagnostics.append(
                    Diagnostic(entry.place, "duplicate role '\(role)' in the play", "keep one of them"))
            } else if !isFolderName(role) || !exists(role) {
                diagnostics.append(
                    Diagnostic(
                        entry.place,
                        "role '\(role)' not found in \(FilePaths.join(FilePaths.directory(of: path), "roles"))",
                        "create it there; roles in other places are not used"))
            }
            checkTags(of: entry, "role '\(role)'", &diagnostics)
            roles.append(role)
        }
        if roles.count > 1, roles.last == SandboxDefinition.Playbook.tidyRole { roles.removeLast() }
        return diagnostics.count == before ? roles : nil
    }

    /// The only play of the playbook.
    private func play(_ document: Item, _ diagnostics: inout [Diagnostic]) -> Item? {
        guard case .list(let plays) = document.content, let play = plays.first, play.entries != nil else {
            let found = if case .list(let plays) = document.content, plays.isEmpty { "none" } else { document.found }
            diagnostics.append(
                Diagnostic(document.place, "a playbook must be a list of plays, found \(found)", Self.example))
            return nil
        }
        let imports = plays.compactMap { play in
            play.entries?.first { ["import_playbook", "ansible.builtin.import_playbook"].contains($0.name) }
        }
        if let first = imports.first {
            diagnostics.append(
                Diagnostic(first.place, "'\(first.name)' is not supported", "list all roles in one play"))
            return nil
        }
        if plays.count > 1 {
            diagnostics.append(
                Diagnostic(plays[1].place, "only one play is supported", "move all roles to the first play"))
            return nil
        }
        return play
    }

    /// Checks that the play runs on the build machine. With other hosts, Ansible would do nothing and report success, or
    /// change the machine that `dss` runs on.
    private func checkTarget(of play: Item, _ diagnostics: inout [Diagnostic]) {
        if let hosts = play["hosts"], !["all", "*"].contains(Self.words(hosts).joined(separator: ",")) {
            diagnostics.append(
                Diagnostic(hosts.place, "'hosts' must be all, found \(hosts.found)", "write hosts: all"))
        }
        if let connection = play["connection"], Self.words(connection) != ["ssh"] {
            diagnostics.append(
                Diagnostic(
                    connection.place, "'connection' must be ssh, found \(connection.found)", "remove it"))
        }
    }

    /// Checks that Ansible does not skip the whole play or role.
    private func checkTags(of item: Item, _ subject: String, _ diagnostics: inout [Diagnostic]) {
        guard let tags = item["tags"], Self.words(tags).contains("never") else { return }
        diagnostics.append(
            Diagnostic(
                tags.place, "\(subject) has the tag never and would not be installed",
                "remove the tag, or tag single tasks"))
    }

    /// The default checkpoint: after the second-to-last role.
    ///
    /// A change in the last role, where changes are most frequent, then reuses all roles before it from the cache.
    static func defaultCheckpoints(_ roles: [String]) -> [String] {
        roles.dropLast().suffix(1)
    }

    private static let example = "for example roles: [jupyter]"

    private static func name(_ entry: Item) -> String? {
        switch entry.content {
        case .scalar(let scalar) where scalar.kind == .text: scalar.text
        case .map: (entry["role"] ?? entry["name"]).flatMap(name)
        default: nil
        }
    }

    /// Whether the name is neither a path nor a template, whose role would not be part of the cache key.
    private func isFolderName(_ role: String) -> Bool {
        role.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.\-]*/) != nil
    }

    /// The elements of a list that Ansible also accepts as one text with commas.
    private static func words(_ item: Item) -> [String] {
        switch item.content {
        case .scalar(let scalar): scalar.text.split(separator: ",").map { RawText.trimmed(String($0)) }
        case .list(let items): items.flatMap(words)
        case .map: []
        }
    }
}

/// Reads the values of playbook variables, which may have any structure.
enum PlaybookVariables {
    static func value(_ item: Item, _ diagnostics: inout [Diagnostic]) -> Variable? {
        switch item.content {
        case .scalar(let scalar): return value(scalar, of: item, &diagnostics)
        case .list(let items):
            let values = items.map { value($0, &diagnostics) }
            return values.contains(nil) ? nil : .list(values.compactMap(\.self))
        case .map(let entries):
            var values: [String: Variable] = [:]
            for entry in entries {
                guard let found = value(entry.item, &diagnostics) else { return nil }
                values[entry.name] = found
            }
            return .map(values)
        }
    }

    private static func value(
        _ scalar: Item.Scalar, of item: Item, _ diagnostics: inout [Diagnostic]
    ) -> Variable? {
        switch scalar.kind {
        case .text: return .string(scalar.text)
        case .boolean(let value): return .boolean(value)
        case .integer(let value?): return .integer(value)
        case .nothing:
            diagnostics.append(Diagnostic(item.place, "'\(item.key)' has no value", "write \"\" for an empty string"))
        case .fraction, .integer(nil):
            diagnostics.append(
                Diagnostic(
                    item.place, "'\(item.key)' is the number \(scalar.text), which YAML may round",
                    "put it in quotes: \"\(scalar.text)\""))
        }
        return nil
    }
}

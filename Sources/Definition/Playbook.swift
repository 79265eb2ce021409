import Sandbox

/// Reads the roles of a playbook, in the order in which it runs them.
enum PlaybookRoles {
    /// - Returns: The roles without a trailing `tidy`; `nil` if there are errors.
    static func read(_ document: Item, path: String, _ diagnostics: inout [Diagnostic]) -> [String]? {
        guard case .list(let plays) = document.content, let play = plays.first, play.entries != nil else {
            let found = if case .list(let plays) = document.content, plays.isEmpty { "none" } else { document.found }
            diagnostics.append(
                Diagnostic(document.place, "a playbook must be a list of plays, found \(found)", example))
            return nil
        }
        if plays.count > 1 {
            diagnostics.append(
                Diagnostic(plays[1].place, "only one play is supported", "move all roles to the first play"))
            return nil
        }
        guard let list = play["roles"], case .list(let entries) = list.content, !entries.isEmpty else {
            diagnostics.append(Diagnostic(play["roles"]?.place ?? play.place, "the play has no list of roles", example))
            return nil
        }
        var roles: [String] = []
        let before = diagnostics.count
        for entry in entries {
            guard let role = name(entry) else {
                diagnostics.append(Diagnostic(entry.place, "a role must be a name, found \(entry.found)", example))
                continue
            }
            if roles.contains(role) {
                diagnostics.append(
                    Diagnostic(entry.place, "duplicate role '\(role)' in the play", "keep one of them"))
            }
            roles.append(role)
        }
        if roles.last == SandboxDefinition.Playbook.tidyRole { roles.removeLast() }
        return diagnostics.count == before ? roles : nil
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

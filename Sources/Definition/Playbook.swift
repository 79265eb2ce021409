import Sandbox

/// Reads from a playbook the roles in the order in which it runs them.
enum PlaybookRoles {
    /// - Returns: the roles without a trailing `tidy`; `nil` where there are mistakes.
    static func read(_ document: Item, path: String, _ diagnostics: inout [Diagnostic]) -> [String]? {
        guard case .list(let plays) = document.content, let play = plays.first, play.entries != nil else {
            let found = if case .list(let plays) = document.content, plays.isEmpty { "none" } else { document.found }
            diagnostics.append(
                Diagnostic(document.place, "a playbook is a list of plays, found \(found)", example))
            return nil
        }
        if plays.count > 1 {
            diagnostics.append(
                Diagnostic(plays[1].place, "only the first play is run, role by role", "put all roles into one play"))
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
                diagnostics.append(Diagnostic(entry.place, "a role is a name, found \(entry.found)", example))
                continue
            }
            if roles.contains(role) {
                diagnostics.append(
                    Diagnostic(entry.place, "the role '\(role)' stands twice in the play", "keep one of them"))
            }
            roles.append(role)
        }
        if roles.last == SandboxDefinition.Playbook.tidyRole { roles.removeLast() }
        return diagnostics.count == before ? roles : nil
    }

    /// A change in the last role, where changes are most frequent, leaves all before it in the cache.
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

/// Playbook variables, whose values may have any shape.
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
            diagnostics.append(Diagnostic(item.place, "'\(item.key)' has no value", "write \"\" for an empty text"))
        case .fraction, .integer(nil):
            diagnostics.append(
                Diagnostic(
                    item.place, "'\(item.key)' is the number \(scalar.text), which YAML may round",
                    "write \"\(scalar.text)\" in quotes"))
        }
        return nil
    }
}

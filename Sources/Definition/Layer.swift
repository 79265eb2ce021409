/// What one source says: the file, the environment or the flags; a later layer wins over an earlier one.
struct Layer {
    /// Key of a setting → its value.
    var items: [String: Item] = [:]
    /// Name of a playbook variable → its value.
    var variables: [String: Item] = [:]

    /// Takes the variables out of the mapping `playbook.variables`.
    mutating func addVariables(_ item: Item, _ diagnostics: inout [Diagnostic]) {
        if item.isNothing { return }
        guard let entries = item.entries else {
            diagnostics.append(.wrongType(item, expected: "a mapping", example: "{jupyter_theme: dark}"))
            return
        }
        for entry in entries { addVariable(entry.name, entry.item, at: entry.place, &diagnostics) }
    }

    mutating func addVariable(_ name: String, _ item: Item, at place: Place, _ diagnostics: inout [Diagnostic]) {
        if let owner = ReservedNames.variables[name] {
            let advice = owner.hasPrefix("'") ? "set \(owner) instead" : "choose another name"
            diagnostics.append(Diagnostic(place, "the variable '\(name)' is set by \(owner)", advice))
        } else if name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) == nil {
            var right = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
            if right.first?.isLetter != true { right = "_" + right }
            diagnostics.append(
                Diagnostic(
                    place, "'\(name)' is no name for an Ansible variable",
                    "use letters, digits and underscores, for example \(right)"
                ))
        } else {
            variables[name] = item
        }
    }
}

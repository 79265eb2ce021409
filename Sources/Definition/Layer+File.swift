extension Layer {
    /// The layer of `sandbox.yaml`; every key that is not known becomes a diagnostic.
    init(document: Item, _ diagnostics: inout [Diagnostic]) {
        guard let entries = document.entries else {
            diagnostics.append(
                Diagnostic(
                    document.place, "a definition is a mapping, found \(document.found)",
                    "for example name: data-science-sandbox"))
            return
        }
        add(entries, below: "", &diagnostics)
    }

    private mutating func add(_ entries: [Item.Entry], below section: String, _ diagnostics: inout [Diagnostic]) {
        for entry in entries {
            let key = section.isEmpty ? entry.name : "\(section).\(entry.name)"
            if key == Settings.variables {
                addVariables(entry.item, &diagnostics)
            } else if Settings.byKey[key] != nil {
                items[key] = entry.item
            } else if Settings.isSection(key) {
                addSection(entry.item, &diagnostics)
            } else {
                diagnostics.append(
                    Diagnostic(
                        entry.place, "unknown key '\(entry.name)'",
                        Settings.suggestion(for: entry.name, below: section)))
            }
        }
    }

    /// A section with nothing below it is as good as none: its lines may all be commented out.
    private mutating func addSection(_ item: Item, _ diagnostics: inout [Diagnostic]) {
        if item.isNothing { return }
        guard let entries = item.entries else {
            let first = Settings.all.first { $0.key.hasPrefix(item.key + ".") }
            let name = Settings.names(below: item.key).first ?? ""
            diagnostics.append(
                .wrongType(item, expected: "a mapping", example: "{\(name): \(first?.example ?? "")}"))
            return
        }
        add(entries, below: item.key, &diagnostics)
    }
}

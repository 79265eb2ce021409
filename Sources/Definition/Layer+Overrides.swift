extension Layer {
    /// The layer of the environment: `DSS_` and the key in capitals with `_` for its dots, and
    /// `DSS_PLAYBOOK_VARIABLES_name` with the variable's name as it is. An empty variable is as good as none.
    ///
    /// A `DSS_` variable that nobody knows but that looks like a setting's is a mistake: ignoring it silently would
    /// build something else than was asked for.
    init(environment: [String: String], _ diagnostics: inout [Diagnostic]) {
        let byVariable = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.environmentVariable, $0.key) })
        let prefix = Setting.environmentVariable(for: Settings.variables)
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("DSS_") && !text.isEmpty {
            let place = Place.environment(name)
            if let key = byVariable[name] {
                items[key] = RawText.item(text, key: key, place: place)
            } else if name == prefix || name.hasPrefix(prefix + "_") {
                addVariable(String(name.dropFirst(prefix.count + 1)), text, place, &diagnostics)
            } else if let near = DidYouMean.closest(to: name, among: byVariable.keys),
                DidYouMean.distance(Array(name), Array(near)) <= 2
            {
                diagnostics.append(Diagnostic(place, "unknown variable '\(name)'", "did you mean '\(near)'?"))
            }
        }
    }

    /// The layer of the flags.
    init(overrides: [Override], _ diagnostics: inout [Diagnostic]) {
        for override in overrides {
            let place = Place.flag(override.flag)
            if Settings.byKey[override.key] != nil {
                items[override.key] = RawText.item(override.value, key: override.key, place: place)
            } else if override.key == Settings.variables || override.key.hasPrefix(Settings.variables + ".") {
                addVariable(
                    String(override.key.dropFirst(Settings.variables.count + 1)), override.value, place, &diagnostics)
            } else {
                diagnostics.append(
                    Diagnostic(place, "unknown key '\(override.key)'", Self.suggestion(for: override.key)))
            }
        }
    }

    /// - Parameter name: empty where the text is a whole mapping of variables.
    private mutating func addVariable(
        _ name: String, _ text: String, _ place: Place, _ diagnostics: inout [Diagnostic]
    ) {
        let key = name.isEmpty ? Settings.variables : "\(Settings.variables).\(name)"
        guard let item = RawText.yaml(text, key: key, place: place, &diagnostics) else { return }
        if name.isEmpty {
            addVariables(item, &diagnostics)
        } else {
            addVariable(name, item, at: place, &diagnostics)
        }
    }

    private static func suggestion(for key: String) -> String? {
        if Settings.isSection(key) {
            let names = Settings.names(below: key).map { "\(key).\($0)" }
            return "name one of \(names.joined(separator: ", "))"
        }
        return DidYouMean.suggestion(for: key, among: Settings.keys)
            ?? Settings.keys.first { $0.hasSuffix(".\(key)") }.map { "did you mean '\($0)'?" }
    }
}

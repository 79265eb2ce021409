import Sandbox

/// The values from one source: the file, the environment or the flags; a later layer overrides an earlier one.
struct Layer {
    /// Key of a setting → its value.
    var items: [String: Item] = [:]
    /// Name of a playbook variable → its value.
    var variables: [String: Item] = [:]

    /// Adds the variables of the mapping `playbook.variables`.
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
                    place, "'\(name)' is not a valid Ansible variable name",
                    "use letters, digits and underscores, for example \(right)"
                ))
        } else {
            variables[name] = item
        }
    }
}

extension Layer {
    /// The layer of `sandbox.yaml`; every unknown key becomes a diagnostic.
    init(document: Item, _ diagnostics: inout [Diagnostic]) {
        guard let entries = document.entries else {
            diagnostics.append(
                Diagnostic(
                    document.place, "a definition must be a mapping, found \(document.found)",
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

    /// An empty section counts as missing: all of its lines may be commented out.
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

extension Layer {
    /// The layer of the environment: `DSS_` and the key in upper case with `_` for its dots, and
    /// `DSS_PLAYBOOK_VARIABLES_name` with the unchanged name of the variable. An empty variable counts as unset.
    ///
    /// An unknown `DSS_` variable that resembles a known one is an error: ignoring it silently would build
    /// something other than requested.
    init(environment: [String: String], _ diagnostics: inout [Diagnostic]) {
        let byVariable = Dictionary(uniqueKeysWithValues: Settings.all.map { ($0.environmentVariable, $0.key) })
        let prefix = Setting.environmentVariable(for: Settings.variables)
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("DSS_") && !text.isEmpty {
            let place = Place.environment(name)
            if let key = byVariable[name] {
                items[key] = RawText.setting(text, key: key, place: place, &diagnostics)
            } else if name == prefix || name.hasPrefix(prefix + "_") {
                addVariable(String(name.dropFirst(prefix.count + 1)), text, place, &diagnostics)
            } else if let near = DidYouMean.closest(to: name, among: byVariable.keys),
                DidYouMean.distance(Array(name), Array(near)) <= 2
            {
                diagnostics.append(
                    Diagnostic(place, "unknown environment variable '\(name)'", "did you mean '\(near)'?"))
            }
        }
    }

    /// The layer of the flags.
    init(overrides: [Override], _ diagnostics: inout [Diagnostic]) {
        for override in overrides {
            let place = Place.flag(override.flag)
            if Settings.byKey[override.key] != nil {
                items[override.key] = RawText.setting(override.value, key: override.key, place: place, &diagnostics)
            } else if override.key == Settings.variables || override.key.hasPrefix(Settings.variables + ".") {
                addVariable(
                    String(override.key.dropFirst(Settings.variables.count + 1)), override.value, place, &diagnostics)
            } else {
                diagnostics.append(
                    Diagnostic(place, "unknown key '\(override.key)'", Self.suggestion(for: override.key)))
            }
        }
    }

    /// - Parameter name: The name of the variable; empty if the text is a whole mapping of variables.
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
            return "use one of \(names.joined(separator: ", "))"
        }
        return DidYouMean.suggestion(for: key, among: Settings.keys)
            ?? Settings.keys.first { $0.hasSuffix(".\(key)") }.map { "did you mean '\($0)'?" }
    }
}

/// A value that a flag sets for a key of the definition; it overrides environment and file.
package struct Override: Sendable, Equatable {
    package var key: String
    package var value: String
    /// The flag as the user typed it, for messages: `--formats`, `--set disk.size`.
    package var flag: String

    /// Creates an override from a dedicated flag: `--formats vhd,raw` is
    /// `Override("formats", "vhd,raw", flag: "--formats")`.
    package init(_ key: String, _ value: String, flag: String) {
        self.key = key
        self.value = value
        self.flag = flag
    }

    /// Creates an override from `--set KEY=VALUE`.
    package init(set assignment: String) throws {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw Failure(
                .usage, "'--set \(assignment)' is not of the form KEY=VALUE",
                advice: "for example --set disk.size=12GiB")
        }
        let key = RawText.trimmed(String(assignment[..<equals]))
        self.init(key, String(assignment[assignment.index(after: equals)...]), flag: "--set \(key)")
    }
}

/// A definition under construction: the defaults plus the layers applied so far, with the origin of each value.
struct Draft {
    var definition = SandboxDefinition(
        name: "", version: "", playbook: .init(file: "playbook/site.yml", pins: "pins.yaml", roles: []))
    /// Key → the last value given for it; a key that is missing here has its default.
    private(set) var items: [String: Item] = [:]
    /// Keys with an invalid value; checks that depend on them are skipped.
    private(set) var failed: Set<String> = []

    /// Reads all layers, including values that a later layer overrides, so that every error is reported.
    mutating func apply(_ layers: [Layer], _ diagnostics: inout [Diagnostic]) {
        for setting in Settings.all {
            for item in layers.compactMap({ $0.items[setting.key] }) {
                if setting.apply(item, &definition, &diagnostics) {
                    items[setting.key] = item
                } else {
                    failed.insert(setting.key)
                }
            }
        }
        for layer in layers {
            for (name, item) in layer.variables.sorted(by: { $0.key < $1.key }) {
                guard let value = PlaybookVariables.value(item, &diagnostics) else { continue }
                definition.playbook.variables[name] = value
                items["\(Settings.variables).\(name)"] = item
            }
        }
        if items["base.suite"] == nil {
            definition.base.suite = Suites.defaultSuite(of: definition.base.distribution)
        }
        let official = SandboxDefinition.AWS.SourceImage(of: definition.base)
        if items["aws.source_image.owner"] == nil { definition.aws.sourceImage.owner = official.owner }
        if items["aws.source_image.name"] == nil { definition.aws.sourceImage.name = official.name }
    }

    func origin(_ key: String) -> Place { items[key]?.place ?? .default }

    /// The place to report an error in a value: where it was set, otherwise the beginning of the file.
    func place(_ key: String, orIn file: String) -> Place {
        items[key]?.place ?? .file(file, line: 1, column: 1)
    }

    /// The place of an element of a list.
    func place(_ key: String, element: String, orIn file: String) -> Place {
        guard case .list(let elements) = items[key]?.content else { return place(key, orIn: file) }
        let found = elements.first {
            if case .scalar(let scalar) = $0.content { scalar.text == element } else { false }
        }
        return found?.place ?? place(key, orIn: file)
    }

    func isSound(_ keys: String...) -> Bool { failed.isDisjoint(with: keys) }
}

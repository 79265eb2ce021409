import Sandbox

/// A definition on its way from defaults to the effective one, with where each value came from.
struct Draft {
    var definition = SandboxDefinition(
        name: "", version: "", playbook: .init(file: "playbook/site.yml", pins: "pins.yaml", roles: []))
    /// Key → what was written for it last; keys that are not here have their default.
    private(set) var items: [String: Item] = [:]
    /// Keys that somebody set to something wrong; what depends on them is not worth checking.
    private(set) var failed: Set<String> = []

    /// Reads all layers, also those that a later one overrides: a mistake is a mistake.
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

    /// Where a mistake in a value is to be mended: where it was written, else the beginning of the file.
    func place(_ key: String, orIn file: String) -> Place {
        items[key]?.place ?? .file(file, line: 1, column: 1)
    }

    /// Where an element of a list stands.
    func place(_ key: String, element: String, orIn file: String) -> Place {
        guard case .list(let elements) = items[key]?.content else { return place(key, orIn: file) }
        let found = elements.first {
            if case .scalar(let scalar) = $0.content { scalar.text == element } else { false }
        }
        return found?.place ?? place(key, orIn: file)
    }

    func isSound(_ keys: String...) -> Bool { failed.isDisjoint(with: keys) }
}

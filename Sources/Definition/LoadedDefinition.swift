import Sandbox

/// The effective definition together with where each value came from.
package struct LoadedDefinition: Sendable {
    package var definition: SandboxDefinition
    /// The file as diagnostics name it, and its absolute path.
    package var file: String
    package var absoluteFile: String
    /// The pins file as diagnostics name it.
    package var pinsFile: String
    let origins: [String: Place]

    /// A key with its effective value, for tables.
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: Variable
        package var origin: Place
    }

    /// All keys that have a value, in the order of the documentation, the playbook's variables behind the checkpoints.
    package var entries: [Entry] {
        Settings.all.flatMap { setting in
            [setting.value(definition)].compactMap(\.self).map {
                Entry(key: setting.key, value: $0, origin: origin(setting.key))
            } + (setting.key == "playbook.checkpoints" ? variables : [])
        }
    }

    package func origin(_ key: String) -> Place { origins[key] ?? .default }

    private var variables: [Entry] {
        definition.playbook.variables.sorted { $0.key < $1.key }.map { name, value in
            Entry(
                key: "\(Settings.variables).\(name)", value: value, origin: origin("\(Settings.variables).\(name)"))
        }
    }
}

/// The definition and the versions that go with it.
package struct LoadedSandbox: Sendable {
    package var definition: LoadedDefinition
    package var pins: PinsFile
}

/// One of several sandboxes that a release builds from one definition.
package struct SandboxVariant: Sendable, Equatable, Codable {
    /// Part of asset ids: `big` is built as `0.1.0-big`.
    package var name: String
    package var settings: [Setting]

    package init(name: String, settings: [Setting]) {
        self.name = name
        self.settings = settings
    }

    /// A key of the definition and its value, as a flag or an environment variable has it.
    package struct Setting: Sendable, Equatable, Codable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }
}

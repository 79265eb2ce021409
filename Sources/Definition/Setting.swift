import Sandbox

/// One key of `sandbox.yaml`: where it belongs in the definition and by which rule it is read and written.
struct Setting: Sendable {
    /// Dotted path: `disk.size`.
    let key: String
    let example: String
    /// Reads the item into the definition; false where it is wrong, which is then in the diagnostics.
    let apply: @Sendable (Item, inout SandboxDefinition, inout [Diagnostic]) -> Bool
    /// `nil` where it has none.
    let value: @Sendable (SandboxDefinition) -> Variable?

    init<Value>(
        _ key: String, _ path: any WritableKeyPath<SandboxDefinition, Value> & Sendable, _ rule: Rule<Value>
    ) {
        self.key = key
        example = rule.example
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { rule.write($0[keyPath: path]) }
    }

    /// A key that may be without a value.
    init<Value>(
        _ key: String, optional path: any WritableKeyPath<SandboxDefinition, Value?> & Sendable, _ rule: Rule<Value>
    ) {
        self.key = key
        example = rule.example
        apply = { item, definition, diagnostics in
            guard let value = rule.read(item, &diagnostics) else { return false }
            definition[keyPath: path] = value
            return true
        }
        value = { $0[keyPath: path].map(rule.write) }
    }

    /// The environment variable that sets it: `disk.size` is `DSS_DISK_SIZE`.
    var environmentVariable: String { Self.environmentVariable(for: key) }

    static func environmentVariable(for key: String) -> String {
        "DSS_" + key.uppercased().replacing(".", with: "_")
    }
}

import Sandbox

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

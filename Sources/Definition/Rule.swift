import Sandbox

/// How one kind of value is read from what a person wrote, checked, and written again.
struct Rule<Value: Sendable>: Sendable {
    /// What is right, in words: `a size from 4GiB to 2TiB`.
    var expected: String
    /// A right value, as it would stand in the file.
    var example: String
    var read: @Sendable (Item, inout [Diagnostic]) -> Value?
    var write: @Sendable (Value) -> Variable

    /// What reading a single value comes to.
    enum Reading {
        case value(Value)
        /// The type is wrong: the message is made of what is expected and what was found.
        case wrong
        /// The type is right, the value is not: what continues after the key's name, and what would be right.
        case refused(String, String?)
    }

    /// A rule for values that are one scalar.
    static func scalar(
        _ expected: String, example: String, write: @escaping @Sendable (Value) -> Variable,
        read: @escaping @Sendable (Item.Scalar) -> Reading
    ) -> Rule {
        Rule(
            expected: expected, example: example,
            read: { item, diagnostics in
                guard case .scalar(let scalar) = item.content, !item.isNothing else {
                    diagnostics.append(.wrongType(item, expected: expected, example: example))
                    return nil
                }
                switch read(scalar) {
                case .value(let value): return value
                case .wrong: diagnostics.append(.wrongType(item, expected: expected, example: example))
                case .refused(let reason, let suggestion):
                    diagnostics.append(Diagnostic(item.place, "'\(item.key)' \(reason)", suggestion))
                }
                return nil
            }, write: write)
    }
}

extension Diagnostic {
    static func wrongType(_ item: Item, expected: String, example: String) -> Diagnostic {
        Diagnostic(
            item.place, "'\(item.key)' must be \(expected), found \(item.found)", "for example \(example)")
    }
}

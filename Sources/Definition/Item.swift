/// A value that a person wrote, with its place: the common form of what files, variables and flags say.
struct Item: Sendable {
    /// Dotted path of the key that it belongs to: `disk.size`; elements of a list carry the list's.
    var key: String
    var place: Place
    var content: Content

    enum Content: Sendable {
        case scalar(Scalar)
        case list([Item])
        case map([Entry])
    }

    struct Entry: Sendable {
        var name: String
        /// Where the key stands, not its value.
        var place: Place
        var item: Item
    }

    /// A single value: its text as written, and what YAML takes it for.
    struct Scalar: Sendable {
        enum Kind: Sendable, Equatable {
            case text, fraction, nothing
            case integer(Int?)
            case boolean(Bool)
        }

        var text: String
        var kind: Kind
        /// From a flag or a variable, where nothing can be quoted and every value is text at first.
        var isRaw = false
    }

    var isNothing: Bool {
        if case .scalar(let scalar) = content { scalar.kind == .nothing } else { false }
    }

    var entries: [Entry]? {
        if case .map(let entries) = content { entries } else { nil }
    }

    subscript(name: String) -> Item? {
        entries?.first { $0.name == name }?.item
    }

    /// What stands there, in words for a message.
    var found: String {
        switch content {
        case .list: return "a list"
        case .map: return "a mapping"
        case .scalar(let scalar):
            switch scalar.kind {
            case .nothing: return scalar.text.isEmpty ? "nothing" : "'\(scalar.text)', which means nothing"
            case .boolean: return "the truth value '\(scalar.text)'"
            case .integer, .fraction: return scalar.isRaw ? "'\(scalar.text)'" : "the number \(scalar.text)"
            case .text: return scalar.isRaw ? "'\(scalar.text)'" : "the text '\(scalar.text)'"
            }
        }
    }
}

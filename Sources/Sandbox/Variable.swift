/// The value of a playbook variable: what YAML and JSON both can say, as far as variables need it.
package enum Variable: Sendable, Hashable, Codable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case list([Variable])
    case map([String: Variable])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode([Variable].self) {
            self = .list(value)
        } else if let value = try? container.decode([String: Variable].self) {
            self = .map(value)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .map(let value): try container.encode(value)
        }
    }
}

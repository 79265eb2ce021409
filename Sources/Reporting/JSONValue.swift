/// A JSON document whose objects keep the order in which their keys were written.
///
/// Foundation's encoder sorts keys or shuffles them; people read these streams too and want `event` first. The wire
/// form is spelled out key by key in this room, so that renaming a property of the domain cannot change it unseen.
package enum JSONValue: Sendable {
    case string(String)
    case integer(Int64)
    case number(Double)
    case bool(Bool)
    case null
    case array([JSONValue])
    case object([(String, JSONValue)])

    package static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    package static func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    /// Seconds to the millisecond: more digits are noise.
    package static func seconds(_ value: Double) -> JSONValue { .number((value * 1000).rounded() / 1000) }

    /// The document on one line, for a stream with one document per line.
    package var line: String { written(indent: nil) }

    /// The document over several lines, two blanks per level.
    package var pretty: String { written(indent: 0) }

    /// The same as a part of a document that is so many levels deep.
    func pretty(at level: Int) -> String { written(indent: level) }

    private func written(indent: Int?) -> String {
        switch self {
        case .string(let text): Self.quoted(text)
        case .integer(let number): String(number)
        case .number(let number): Self.digits(number)
        case .bool(let bool): String(bool)
        case .null: "null"
        case .array(let items):
            Self.enclosed("[", "]", indent) { inner in items.map { $0.written(indent: inner) } }
        case .object(let members):
            Self.enclosed("{", "}", indent) { inner in
                members.map { "\(Self.quoted($0.0)):\(indent == nil ? "" : " ")\($0.1.written(indent: inner))" }
            }
        }
    }

    private static func enclosed(
        _ open: String, _ close: String, _ indent: Int?, _ items: (Int?) -> [String]
    ) -> String {
        let items = items(indent.map { $0 + 1 })
        guard let indent, !items.isEmpty else { return open + items.joined(separator: ",") + close }
        let margin = String(repeating: "  ", count: indent)
        return "\(open)\n" + items.map { "\(margin)  \($0)" }.joined(separator: ",\n") + "\n\(margin)\(close)"
    }

    /// JSON has no infinity (RFC 8259, section 6).
    private static func digits(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        return Int64(exactly: number).map { String($0) } ?? "\(number)"
    }

    /// Escapes what RFC 8259, section 7, says must be escaped.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\0"..<" ":
                let code = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

import Sandbox
import Yams

/// Writes a value on one line so that YAML reads back the same; quoted it is JSON as well.
enum ScalarText {
    /// Plain where that is safe, else in double quotes.
    static func yaml(_ text: String) -> String {
        let isPlain = text.wholeMatch(of: /[A-Za-z0-9\/_.][A-Za-z0-9\/_.+@<>*\-]*/) != nil
        return isPlain && Node(text).tag == Tag(.str) ? text : quoted(text)
    }

    /// In double quotes, with the escapes that JSON and YAML share.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The whole value in flow style: `[a, b]`, `{a: 1}`.
    static func flow(_ value: Variable, _ string: (String) -> String) -> String {
        switch value {
        case .string(let text): string(text)
        case .integer(let number): String(number)
        case .boolean(let truth): String(truth)
        case .list(let values): "[\(values.map { flow($0, string) }.joined(separator: ", "))]"
        case .map(let values):
            "{"
                + values.sorted { $0.key < $1.key }.map { "\(string($0.key)): \(flow($0.value, string))" }
                .joined(separator: ", ") + "}"
        }
    }
}

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

/// The units in which sizes are written; binary ones only, because disk formats know no others.
enum ByteUnit: String, CaseIterable, Sendable {
    case mebi = "MiB"
    case gibi = "GiB"
    case tebi = "TiB"

    enum Parsed: Equatable {
        case size(Int)
        /// A number with a unit that only looks like one of ours (`8GB`, `8 G`), and what was probably meant.
        case nearly(String)
        /// Right in itself, but no whole number of the unit asked for.
        case fraction
        case unknown
    }

    var mebibytes: Int {
        switch self {
        case .mebi: 1
        case .gibi: 1024
        case .tebi: 1024 * 1024
        }
    }

    static func parse(_ text: String, in unit: ByteUnit) -> Parsed {
        let digits = text.prefix(while: \.isASCIIDigit)
        let ending = text.dropFirst(digits.count)
        guard let number = Int(digits), number < 1_000_000_000 else { return .unknown }
        guard let written = ByteUnit(rawValue: String(ending)) else {
            let letter = ending.drop { $0 == " " }.first?.uppercased()
            if ending.isEmpty { return .nearly("\(number)\((number < 1024 ? ByteUnit.gibi : .mebi).rawValue)") }
            let meant = allCases.first { $0.rawValue.first.map(String.init) == letter }
            return meant.map { .nearly("\(number)\($0.rawValue)") } ?? .unknown
        }
        let size = number * written.mebibytes
        return size % unit.mebibytes == 0 ? .size(size / unit.mebibytes) : .fraction
    }

    /// The shortest way to write a size: `8GiB` for 8192 MiB, `2040GiB`, but `2TiB` only for whole ones.
    static func text(_ size: Int, in unit: ByteUnit) -> String {
        let mebibytes = size * unit.mebibytes
        let best = allCases.last { mebibytes % $0.mebibytes == 0 && mebibytes >= $0.mebibytes } ?? .mebi
        return "\(mebibytes / best.mebibytes)\(best.rawValue)"
    }
}

extension Character {
    var isASCIIDigit: Bool { isASCII && isNumber }
}

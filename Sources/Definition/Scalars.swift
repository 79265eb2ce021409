import Sandbox
import Yams

/// Writes a value on one line so that YAML reads the same value back; in quotes, it is also valid JSON.
enum ScalarText {
    /// The text as a plain scalar if that is safe, otherwise in double quotes.
    static func yaml(_ text: String) -> String {
        let isPlain = text.wholeMatch(of: /[A-Za-z0-9\/_.][A-Za-z0-9\/_.+@<>*\-]*/) != nil
        return isPlain && Node(text).tag == Tag(.str) ? text : quoted(text)
    }

    /// The text in double quotes, with the escapes that JSON and YAML share.
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

/// The units in which sizes are written; only binary ones, because disk formats use no others.
enum ByteUnit: String, CaseIterable, Sendable {
    case mebi = "MiB"
    case gibi = "GiB"
    case tebi = "TiB"

    enum Parsed: Equatable {
        case size(Int)
        /// A number with a missing or misspelled unit (`8`, `8GB`, `8 G`), with the probable intended size.
        case nearly(String)
        /// A valid size that is not a whole number of the requested unit.
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

    /// The shortest notation of a size: `8GiB` for 8192 MiB; `TiB` only for whole tebibytes, so `2040GiB` stays.
    static func text(_ size: Int, in unit: ByteUnit) -> String {
        let mebibytes = size * unit.mebibytes
        let best = allCases.last { mebibytes % $0.mebibytes == 0 && mebibytes >= $0.mebibytes } ?? .mebi
        return "\(mebibytes / best.mebibytes)\(best.rawValue)"
    }
}

extension Character {
    var isASCIIDigit: Bool { isASCII && isNumber }
}

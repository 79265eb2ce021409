import Sandbox

/// A JSON document whose objects preserve the order of their keys.
///
/// Foundation's encoder sorts or shuffles keys, but people read these streams too and expect `event` first. This
/// module spells out the wire form key by key, so that renaming a property elsewhere cannot change it unnoticed.
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

    /// Seconds rounded to milliseconds; more digits are noise.
    package static func seconds(_ value: Double) -> JSONValue { .number((value * 1000).rounded() / 1000) }

    /// The document on one line, for a stream with one document per line.
    package var line: String { written(indent: nil) }

    /// The document on multiple lines, indented by two spaces per level.
    package var pretty: String { written(indent: 0) }

    /// The document as part of another one, nested `level` levels deep.
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

    /// The number in JSON; `null` for infinity and NaN, which JSON does not have (RFC 8259, section 6).
    private static func digits(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        return Int64(exactly: number).map { String($0) } ?? "\(number)"
    }

    /// Escapes the characters that RFC 8259, section 7, requires to be escaped.
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

extension BuildEvent {
    /// The wire form of an event: `event` is its name and `at` the seconds since the build started. Every key of an
    /// event is always present, with `null` if there is no value.
    ///
    /// | event | keys |
    /// |---|---|
    /// | `build-started` | `asset_id`, `provider` |
    /// | `stage-started` | `stage` |
    /// | `stage-finished` | `stage`, `seconds`, `outcome`: `done`, `cached`, `failed` |
    /// | `progress` | `stage`, `activity`, `completed`, `total`, `unit`: `bytes`, `tasks`, `percent`, `none` |
    /// | `task` | `index`, `count`, `role`, `name`, `status`, `seconds`, `module`, `message` |
    /// | `output` | `stage`, `line` |
    /// | `activity-started`, `activity-finished` | `name` |
    /// | `notice`, `warning` | `message` |
    /// | `artifact` | `format`, `location`, `bytes`, `sha256`, `crc64` |
    package func json(at seconds: Double) -> JSONValue {
        let (name, members) = wireForm
        return .object([("event", .string(name)), ("at", .seconds(seconds))] + members)
    }

    private var wireForm: (String, [(String, JSONValue)]) {
        switch self {
        case .buildStarted(let assetID, let provider):
            ("build-started", [("asset_id", .string(assetID.rawValue)), ("provider", .string(provider))])
        case .stageStarted(let stage):
            ("stage-started", [("stage", .string(stage.wireName))])
        case .stageFinished(let stage, let seconds, let outcome):
            ("stage-finished", StageJSON.members(stage, seconds, outcome))
        case .progress(let stage, let progress):
            ("progress", [("stage", .string(stage.wireName))] + progress.members)
        case .task(let task):
            ("task", task.members)
        case .output(let stage, let line):
            ("output", [("stage", .string(stage.wireName)), ("line", .string(line))])
        case .activityStarted(let name):
            ("activity-started", [("name", .string(name))])
        case .activityFinished(let name):
            ("activity-finished", [("name", .string(name))])
        case .passwordSet(let user, let password):
            ("password-set", [("user", .string(user)), ("default_password", .string(password.reveal))])
        case .notice(let message):
            ("notice", [("message", .string(message))])
        case .warning(let message):
            ("warning", [("message", .string(message))])
        case .artifact(let artifact):
            ("artifact", artifact.members)
        }
    }
}

extension Stage {
    /// Name of the stage in JSON, where values contain no spaces.
    var wireName: String { self == .cleanUp ? "clean-up" : rawValue }
}

enum StageJSON {
    static func members(_ stage: Stage, _ seconds: Double, _ outcome: StageOutcome) -> [(String, JSONValue)] {
        [
            ("stage", .string(stage.wireName)), ("seconds", .seconds(seconds)),
            ("outcome", .string(outcome.rawValue)),
        ]
    }
}

extension Artifact {
    var members: [(String, JSONValue)] {
        [
            ("format", .string(format.rawValue)), ("location", .string(location)), ("bytes", .integer(bytes)),
            ("sha256", .text(sha256)), ("crc64", .text(crc64)),
        ]
    }
}

extension Progress {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("activity", .string(activity)), ("completed", .number(completed)),
            ("total", total.map { .number($0) } ?? .null), ("unit", .string(unit.rawValue)),
        ]
    }
}

extension TaskResult {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("index", .count(index)), ("count", count.map { .count($0) } ?? .null), ("role", .text(role)),
            ("name", .string(name)), ("status", .string(status.rawValue)), ("seconds", .seconds(seconds)),
            ("module", .text(module)), ("message", .text(message)),
        ]
    }
}

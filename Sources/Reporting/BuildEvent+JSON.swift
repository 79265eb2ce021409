import Sandbox

extension BuildEvent {
    /// The wire form of an event: `event` names it, `at` is the second since the build began, and every key of a kind
    /// is always there, with `null` where there is nothing to say.
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
            ("stage-finished", StageForm.members(stage, seconds, outcome))
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
    /// Its name in JSON, where values have no blanks.
    var wireName: String { self == .cleanUp ? "clean-up" : rawValue }
}

enum StageForm {
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

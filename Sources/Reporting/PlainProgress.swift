import Sandbox

/// Progress for a pipe or a log file: few lines, without control characters.
package struct PlainProgress: ProgressRenderer {
    package private(set) var state = ProgressState()
    private let isVerbose: Bool
    /// Time of the last line about an activity of the running stage.
    private var lastActivityLine: Double?
    /// Seconds between two such lines: a log only has to show that the build is still making progress.
    private static let pause = 15.0
    /// What was heard of last, and since when.
    private var activity: (name: String, since: Double)?
    /// Time of the last line.
    private var lastLine = 0.0
    /// Seconds without a line after which one says what the running stage is doing: a reader of a log cannot tell a long
    /// task from a build that hangs.
    private static let silence = 30.0

    package init(isVerbose: Bool = false) {
        self.isVerbose = isVerbose
    }

    package mutating func feed(_ event: BuildEvent, at seconds: Double) -> String {
        state.apply(event, at: seconds)
        switch event {
        case .stageStarted: activity = nil
        case .progress(_, let progress) where progress.activity != activity?.name:
            activity = (progress.activity, seconds)
        default: break
        }
        let lines = lines(for: event, at: seconds)
        if !lines.isEmpty { lastLine = seconds }
        return lines.map { $0 + "\n" }.joined()
    }

    /// A line if there was none for a while.
    package mutating func tick(at seconds: Double) -> String {
        guard let running = state.running, seconds - max(lastLine, running.since) >= Self.silence else { return "" }
        lastLine = seconds
        let progress = running.activities.last
        let duration = "for \(Units.clock(seconds - (activity?.since ?? running.since)))"
        let details = [progress?.position ?? "", duration].filter { !$0.isEmpty }.joined(separator: ", ")
        return "\(running.stage.rawValue): \(progress?.activity.printableLine ?? "running") (\(details))\n"
    }

    private mutating func lines(for event: BuildEvent, at seconds: Double) -> [String] {
        switch event {
        case .buildStarted(let assetID, let provider):
            return ["building sandbox \(assetID) (\(provider))"]
        case .stageStarted(let stage):
            lastActivityLine = nil
            return ["\(stage.rawValue): started"]
        case .stageFinished(let stage, let duration, let outcome):
            let time = outcome == .cached ? "" : " in \(Units.time(duration))"
            let tasks = state.finished.last?.tasks.summary ?? ""
            return ["\(stage.rawValue): \(outcome.rawValue)\(time)" + (tasks.isEmpty ? "" : " (\(tasks))")]
        case .progress(let stage, let progress):
            guard progress.unit != .tasks || isVerbose,
                lastActivityLine.map({ seconds - $0 >= Self.pause }) ?? true
            else { return [] }
            lastActivityLine = seconds
            return ["\(stage.rawValue): \(progress.activity.printableLine)"]
        case .task(let task):
            guard task.hasFailed || (isVerbose && task.status == .changed) else { return [] }
            let stage = state.running.map { "\($0.stage.rawValue): " } ?? ""
            return ["\(stage)\(task.title.printableLine): \(task.status.rawValue) in \(Units.time(task.seconds))"]
        case .output(let stage, let line):
            return isVerbose ? line.printableLines.map { "\(stage.rawValue): | \($0)".trimmedEnd } : []
        case .passwordSet(let user, let password):
            return Message.lines("note:", .bold, Message.passwordSet(user, password), .piped)
        case .notice(let message):
            return Message.lines("note:", .bold, message, .piped)
        case .warning(let message):
            return Message.lines("warning:", .yellow, message, .piped)
        case .artifact, .activityStarted, .activityFinished:
            return []
        }
    }
}

/// Progress for programs: one line with a JSON object per event; `BuildEvent.json` documents the keys.
///
/// The stream ends with a `report` (`BuildReport.event`) or a `failure` (`Failure.event`).
package struct JSONProgress: ProgressRenderer {
    package private(set) var state = ProgressState()

    package init() {}

    package mutating func feed(_ event: BuildEvent, at seconds: Double) -> String {
        state.apply(event, at: seconds)
        return event.json(at: seconds).line + "\n"
    }
}

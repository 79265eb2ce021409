import Sandbox

/// Turns the events of a build into text to write, control characters included, so that a writer only writes.
///
/// A renderer is owned by one writer: events may come from any task, and concurrent rendering would garble lines.
package protocol ProgressRenderer: Sendable {
    /// Returns the output for an event; `seconds` is the time of the event on any monotonic clock.
    mutating func feed(_ event: BuildEvent, at seconds: Double) -> String

    /// Returns the output for elapsed time; to be called a few times per second.
    mutating func tick(at seconds: Double) -> String

    /// Returns the output that erases the live line; to be called before anything else is printed, and at the end.
    mutating func clear() -> String

    /// The state after the events so far; error messages take the failed task from it.
    var state: ProgressState { get }
}

extension ProgressRenderer {
    package mutating func tick(at seconds: Double) -> String { "" }

    package mutating func clear() -> String { "" }
}

/// The state of a build after the events so far; live lines are rendered from this state alone.
package struct ProgressState: Sendable, Equatable {
    /// The running stage.
    struct Running: Sendable, Equatable {
        var stage: Stage
        /// Start time, on the clock of `apply`.
        var since: Double
        /// The current activity, or several parallel transfers.
        var activities: [Progress] = []
        var tasks = TaskCounts()
    }

    /// A finished stage.
    struct Finished: Sendable, Equatable {
        var stage: Stage
        var seconds: Double
        var outcome: StageOutcome
        var tasks: TaskCounts
    }

    private(set) var running: Running?
    private(set) var finished: [Finished] = []
    /// The failed task of the running or last stage, for the error message.
    package private(set) var failedTask: TaskResult?

    package init() {}

    /// Applies an event; `seconds` is the time of the event on any monotonic clock.
    package mutating func apply(_ event: BuildEvent, at seconds: Double) {
        switch event {
        case .stageStarted(let stage):
            running = Running(stage: stage, since: seconds)
        case .stageFinished(let stage, let duration, let outcome):
            let tasks = running?.stage == stage ? running?.tasks : nil
            finished.append(Finished(stage: stage, seconds: duration, outcome: outcome, tasks: tasks ?? TaskCounts()))
            running = nil
            if outcome != .failed, stage != .cleanUp { failedTask = nil }
        case .progress(let stage, let progress) where running?.stage == stage:
            running?.show(progress)
        case .task(let result):
            running?.count(result)
            failedTask = result.hasFailed ? result : nil
        default:
            break
        }
    }
}

extension ProgressState.Running {
    /// Replaces the current activity. Only unfinished transfers are shown together, because export writes all formats
    /// in parallel and the line would otherwise flicker between them.
    mutating func show(_ progress: Progress) {
        if let known = activities.firstIndex(where: { $0.activity == progress.activity && $0.unit == progress.unit }) {
            activities[known] = progress
        } else if progress.isTransfer, activities.contains(where: { $0.isTransfer && !$0.isComplete }) {
            activities.append(progress)
        } else {
            activities = [progress]
        }
    }

    /// Counts a task, and shows it if no event announced its start.
    mutating func count(_ result: TaskResult) {
        tasks.add(result.status)
        if activities.last?.unit != .tasks || (activities.last?.completed ?? 0) < Double(result.index) {
            activities = [
                Progress(
                    result.title, completed: Double(result.index), total: result.count.map(Double.init), unit: .tasks)
            ]
        }
    }
}

extension Progress {
    var isTransfer: Bool { unit == .bytes && total != nil }

    var isComplete: Bool { total.map { completed >= $0 } ?? false }

    /// The completed fraction, from 0 to 1; `nil` if the total is unknown.
    var fraction: Double? {
        guard let whole = total ?? (unit == .percent ? 100 : nil), whole > 0, completed.isFinite else { return nil }
        return min(1, max(0, completed / whole))
    }
}

extension ProgressState.Finished {
    /// `✓ install     42.0 s  31 tasks: 12 changed, 19 ok`: the permanent line of a finished stage.
    func line(_ style: Style) -> String {
        let time = outcome == .cached ? "cached" : Units.time(seconds)
        var line = "\(style.mark(outcome.verdict)) \(stage.rawValue.padded(to: Stage.nameWidth))"
        line += "  " + style.paint(time.padded(to: 10, .right), outcome == .cached ? .dim : nil)
        let number = tasks.all == 1 ? "1 task" : "\(tasks.all) tasks"
        if outcome == .interrupted { line += "  interrupted" }
        return tasks.summary.isEmpty ? line : line + "  " + style.paint("\(number): \(tasks.summary)", .dim)
    }
}

extension StageOutcome {
    var verdict: Verdict {
        switch self {
        case .failed: .bad
        case .interrupted: .neutral
        case .done, .cached: .good
        }
    }
}

extension Stage {
    /// Columns of the longest stage name.
    static let nameWidth = allCases.map { $0.rawValue.displayWidth }.max() ?? 0
}

/// A horizontal bar of characters.
enum ProgressBar {
    /// The filled part of a bar that is `width` columns wide at a fraction of 1.
    ///
    /// A fraction above 0 gives at least a sliver, so that a short stage stays visible.
    static func filled(_ fraction: Double, width: Int, _ style: Style) -> String {
        let fraction = fraction.isFinite ? min(1, max(0, fraction)) : 0
        guard fraction > 0 else { return "" }
        guard style.unicode else {
            return String(repeating: "#", count: max(1, Units.whole(fraction * Double(width))))
        }
        let eighths = max(1, Units.whole(fraction * Double(width) * 8))
        let rest = eighths % 8
        return String(repeating: "█", count: eighths / 8)
            + (rest == 0 ? "" : ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1])
    }

    /// A bar with brackets around it: `[#####     ]`.
    static func framed(_ fraction: Double, width: Int, _ style: Style) -> String {
        "[" + filled(fraction, width: width, style).padded(to: width) + "]"
    }
}

/// Numbers of Ansible tasks of a stage by status.
struct TaskCounts: Sendable, Equatable {
    private(set) var all = 0
    private(set) var ok = 0
    private(set) var changed = 0
    private(set) var skipped = 0
    private(set) var ignored = 0
    private(set) var failed = 0

    mutating func add(_ status: TaskResult.Status) {
        all += 1
        switch status {
        case .ok: ok += 1
        case .changed: changed += 1
        case .skipped: skipped += 1
        case .ignored: ignored += 1
        case .failed, .unreachable: failed += 1
        }
    }

    /// `12 changed, 18 ok, 1 failed`: zeros and skipped tasks are omitted.
    var summary: String {
        [(changed, "changed"), (ok, "ok"), (ignored, "ignored"), (failed, "failed")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension TaskResult {
    var hasFailed: Bool { status == .failed || status == .unreachable }

    /// `role : task`, as Ansible prints it.
    var title: String {
        guard let role, !name.hasPrefix("\(role) : ") else { return name }
        return "\(role) : \(name)"
    }
}

import Sandbox

/// Turns the events of a build into what is to be written, control characters included, so that a writer only writes.
///
/// One writer owns it: events may come from any task, and two that render at once would tear each other's lines.
package protocol ProgressRenderer: Sendable {
    /// What the event makes of the screen; `seconds` is when it came, on any clock that does not go back.
    mutating func feed(_ event: BuildEvent, at seconds: Double) -> String

    /// What the passing of time makes of it; to be called a few times a second.
    mutating func tick(at seconds: Double) -> String

    /// Takes away what should not stay; to be called before anything else is printed, and again at the end.
    mutating func clear() -> String

    /// The events so far, for the task that an error message is about.
    var state: ProgressState { get }
}

extension ProgressRenderer {
    package mutating func tick(at seconds: Double) -> String { "" }

    package mutating func clear() -> String { "" }
}

/// What a watcher of a build knows after the events so far; every live line is made from nothing else.
package struct ProgressState: Sendable, Equatable {
    /// The stage that runs now.
    struct Running: Sendable, Equatable {
        var stage: Stage
        /// When it began, on the clock that `apply` is given.
        var since: Double
        /// What it does: one activity, or several transfers that go on side by side.
        var activities: [Progress] = []
        var tasks = TaskCounts()
    }

    /// A stage that is over.
    struct Finished: Sendable, Equatable {
        var stage: Stage
        var seconds: Double
        var outcome: StageOutcome
        var tasks: TaskCounts
    }

    private(set) var running: Running?
    private(set) var finished: [Finished] = []
    /// The task that the running or last stage failed at, for the error message.
    package private(set) var failedTask: TaskResult?

    package init() {}

    /// Takes one event in; `seconds` is when it came, on any clock that does not go back.
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
    /// Puts an activity in place of the others; only transfers that are under way stay beside each other, because
    /// export writes all formats at once and would otherwise flicker between them.
    mutating func show(_ progress: Progress) {
        if let known = activities.firstIndex(where: { $0.activity == progress.activity && $0.unit == progress.unit }) {
            activities[known] = progress
        } else if progress.isTransfer, activities.contains(where: { $0.isTransfer && !$0.isComplete }) {
            activities.append(progress)
        } else {
            activities = [progress]
        }
    }

    /// Counts a task, and shows it where its start was not announced.
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

    /// How much of it is done, from 0 to 1, where that is known.
    var fraction: Double? {
        guard let whole = total ?? (unit == .percent ? 100 : nil), whole > 0, completed.isFinite else { return nil }
        return min(1, max(0, completed / whole))
    }
}

extension ProgressState.Finished {
    /// `✓ install     42.0 s  31 tasks: 12 changed, 19 ok`: what stays of a stage.
    func line(_ style: Style) -> String {
        let time = outcome == .cached ? "cached" : Units.time(seconds)
        var line = "\(style.mark(outcome.verdict)) \(stage.rawValue.padded(to: Stage.nameWidth))"
        line += "  " + style.paint(time.padded(to: 10, .right), outcome == .cached ? .dim : nil)
        let number = tasks.all == 1 ? "1 task" : "\(tasks.all) tasks"
        return tasks.summary.isEmpty ? line : line + "  " + style.paint("\(number): \(tasks.summary)", .dim)
    }
}

extension StageOutcome {
    var verdict: Verdict { self == .failed ? .bad : .good }
}

extension Stage {
    /// Columns of the longest name.
    static let nameWidth = allCases.map { $0.rawValue.displayWidth }.max() ?? 0
}

/// A horizontal bar of characters.
enum Bar {
    /// The filled part of a bar that would be `width` columns at a fraction of 1; at least a sliver for more than
    /// nothing, so that a short stage can be seen.
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

    /// A bar in its frame: `[#####     ]`.
    static func framed(_ fraction: Double, width: Int, _ style: Style) -> String {
        "[" + filled(fraction, width: width, style).padded(to: width) + "]"
    }
}

/// How many Ansible tasks of a stage ended how.
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

    /// `12 changed, 18 ok, 1 failed`: what is 0 is left out; skipped tasks are nobody's interest.
    var summary: String {
        [(changed, "changed"), (ok, "ok"), (ignored, "ignored"), (failed, "failed")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}

extension TaskResult {
    var hasFailed: Bool { status == .failed || status == .unreachable }

    /// `role : task`, as Ansible itself writes it.
    var title: String {
        guard let role, !name.hasPrefix("\(role) : ") else { return name }
        return "\(role) : \(name)"
    }
}

import Sandbox

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

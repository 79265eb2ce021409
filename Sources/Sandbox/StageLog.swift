import Synchronization

/// Runs stages, reports when they start and end, and records how long each one took.
package actor StageLog {
    package private(set) var times: [BuildReport.StageTime] = []
    private let events: EventSink
    private let clock: any Clock<Duration>

    package init(events: @escaping EventSink, clock: any Clock<Duration>) {
        self.events = events
        self.clock = clock
    }

    /// Runs one stage. The second value that `body` returns is the outcome: whether there was any work to do.
    package func run<Result: Sendable>(
        _ stage: Stage, _ body: @Sendable () async throws -> (Result, StageOutcome)
    ) async throws -> Result {
        events(.stageStarted(stage))
        let stopwatch = Stopwatch(clock)
        do {
            let (result, outcome) = try await body()
            finish(stage, stopwatch, outcome)
            return result
        } catch {
            // Whatever a step throws after Ctrl-C is a consequence of it: a tool that was ended looks like one that failed.
            finish(stage, stopwatch, Task.isCancelled ? .interrupted : .failed)
            throw error
        }
    }

    private func finish(_ stage: Stage, _ stopwatch: Stopwatch, _ outcome: StageOutcome) {
        let seconds = stopwatch.seconds
        times.append(.init(stage: stage, seconds: seconds, outcome: outcome))
        events(.stageFinished(stage, seconds: seconds, outcome: outcome))
    }
}

/// Measures the seconds since its creation, on a given clock.
package struct Stopwatch: Sendable {
    private let elapsed: @Sendable () -> Duration

    package init(_ clock: any Clock<Duration>) {
        elapsed = Self.start(clock)
    }

    package var seconds: Double { elapsed() / .seconds(1) }

    private static func start<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
        let begin = clock.now
        return { begin.duration(to: clock.now) }
    }
}

/// Records when activities begin and end, from the events of a build.
///
/// A stage is also an activity, unless it consists of other activities.
package final class Timeline: Sendable {
    private struct Notes {
        var begun: [String: Double] = [:]
        var activities: [Activity] = []
        var stage: (began: Double, count: Int)?
    }

    private let stopwatch: Stopwatch
    private let notes = Mutex(Notes())

    package init(_ stopwatch: Stopwatch) {
        self.stopwatch = stopwatch
    }

    package var activities: [Activity] { notes.withLock { $0.activities } }

    /// Returns an event sink that records each event and passes it on to `events`.
    package func observing(_ events: @escaping EventSink) -> EventSink {
        { [self] event in
            note(event, at: stopwatch.seconds)
            events(event)
        }
    }

    private func note(_ event: BuildEvent, at moment: Double) {
        notes.withLock { notes in
            switch event {
            case .stageStarted: notes.stage = (moment, notes.begun.count + notes.activities.count)
            case .stageFinished(let stage, _, _):
                guard let (began, count) = notes.stage, notes.begun.count + notes.activities.count == count else {
                    return
                }
                notes.activities.append(Activity(stage.rawValue, began: began, ended: moment))
            // The first start counts. A repeated one means that one part of the build began a removal and another waits
            // for it.
            case .activityStarted(let name): notes.begun[name] = notes.begun[name] ?? moment
            case .activityFinished(let name):
                guard let began = notes.begun.removeValue(forKey: name) else { return }
                notes.activities.append(Activity(name, began: began, ended: moment))
            default: return
            }
        }
    }
}

/// Runs `body` as an activity that the report shows.
package func activity<Result>(
    _ name: String, _ events: EventSink, _ body: () async throws -> Result
) async rethrows -> Result {
    events(.activityStarted(name))
    defer { events(.activityFinished(name)) }
    return try await body()
}

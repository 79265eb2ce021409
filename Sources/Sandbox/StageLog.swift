/// Runs stages, tells when they start and end, and remembers how long each took.
package actor StageLog {
    package private(set) var times: [BuildReport.StageTime] = []
    private let events: EventSink
    private let clock: any Clock<Duration>

    package init(events: @escaping EventSink, clock: any Clock<Duration>) {
        self.events = events
        self.clock = clock
    }

    /// Runs one stage; `body` says with its second value whether anything had to be done.
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
            finish(stage, stopwatch, .failed)
            throw error
        }
    }

    private func finish(_ stage: Stage, _ stopwatch: Stopwatch, _ outcome: StageOutcome) {
        let seconds = stopwatch.seconds
        times.append(.init(stage: stage, seconds: seconds, outcome: outcome))
        events(.stageFinished(stage, seconds: seconds, outcome: outcome))
    }
}

/// Seconds since it was made, on whatever clock the world has.
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

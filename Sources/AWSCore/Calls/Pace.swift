/// How often something is asked for that takes its time, and when that is given up.
package struct Pace: Sendable, Equatable {
    package var first: Duration
    package var longest: Duration
    /// By how much the pause grows with each question.
    package var growth: Double
    package var limit: Duration
    /// For how long failures to ask, such as a broken connection, are taken as no news.
    package var patience: Duration

    package init(
        first: Duration = .seconds(2), longest: Duration = .seconds(15), growth: Double = 1.5,
        limit: Duration = .seconds(3600), patience: Duration = .seconds(300)
    ) {
        self.first = first
        self.longest = longest
        self.growth = growth
        self.limit = limit
        self.patience = patience
    }
}

/// Something did not come about in time.
package struct WaitedTooLong: Error, Sendable, Equatable, CustomStringConvertible {
    package var awaited: String
    package var limit: Duration
    /// What the service says of it.
    package var reason: String?

    package var description: String {
        "\(awaited) did not come about within \(limit.components.seconds) s" + (reason.map { ": \($0)" } ?? "")
    }
}

extension AWSClient {
    /// Asks at a pace until there is an answer.
    /// - Parameters:
    ///   - awaited: what is waited for, for the message.
    ///   - ask: `nil` as long as it has not come about; throws where it never will.
    ///   - reason: asked when it is given up.
    /// - Throws: `WaitedTooLong`, or what `ask` throws.
    package func wait<Result>(
        for awaited: String, at pace: Pace, reason: () async -> String? = { nil },
        until ask: () async throws -> Result?
    ) async throws -> Result {
        let time = world.time
        let start = time.uptime()
        var lastNews = start
        var pause = pace.first
        while true {
            do {
                if let result = try await ask() { return result }
                lastNews = time.uptime()
            } catch let error as AWSError where [.unreachable, .temporary].contains(error.kind) {
                guard time.uptime() - lastNews < pace.patience else { throw error }
            }
            guard time.uptime() - start < pace.limit else {
                throw WaitedTooLong(awaited: awaited, limit: pace.limit, reason: await reason())
            }
            // Jitter, so that several waits do not ask in step.
            try await time.sleep(pause * (0.75 + time.random() / 2))
            pause = min(pause * pace.growth, pace.longest)
        }
    }
}

extension AWSClient {
    /// The pages of a list, each fetched when it is asked for.
    package func pages<O: PagedOperation>(of operation: O) -> Pages<O> {
        Pages(operation: operation, client: self)
    }

    /// All entries of a list, over all its pages, without ever holding more than one page.
    package func items<O: PagedOperation>(of operation: O) -> Items<O> {
        Items(pages: pages(of: operation))
    }
}

package struct Pages<O: PagedOperation>: AsyncSequence, Sendable {
    fileprivate let operation: O
    fileprivate let client: AWSClient

    package struct Iterator: AsyncIteratorProtocol, Sendable {
        fileprivate var next: O?
        fileprivate let client: AWSClient

        package mutating func next() async throws -> O.Output? {
            guard var operation = next else { return nil }
            let page = try await client.call(operation)
            do { next = try operation.turn(after: page) ? operation : nil } catch let error as UnexpectedAnswer {
                throw AWSError(error, of: O.self, in: client.region, attempts: 1, mayHaveTakenEffect: false)
            }
            return page
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(next: operation, client: client) }
}

package struct Items<O: PagedOperation>: AsyncSequence, Sendable {
    fileprivate let pages: Pages<O>

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var pages: Pages<O>.Iterator
        fileprivate var page: [O.Item] = []
        fileprivate var index = 0

        package mutating func next() async throws -> O.Item? {
            while index == page.count {
                guard let next = try await pages.next() else { return nil }
                page = O.items(of: next)
                index = 0
            }
            defer { index += 1 }
            return page[index]
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(pages: pages.makeAsyncIterator()) }
}

/// Moves a token on to that of the next page.
/// - Returns: false where the service gave none, or an empty one as some do on the last page.
/// - Throws: `UnexpectedAnswer` where it gives the same again, since such a list would never end.
package func advance(_ token: inout String?, to next: String?) throws -> Bool {
    guard let next, !next.isEmpty else { return false }
    guard next != token else { throw UnexpectedAnswer.sameToken }
    token = next
    return true
}

extension UnexpectedAnswer {
    package static let sameToken = UnexpectedAnswer(
        "the list does not go on: the token of its next page is that of this one")
}

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

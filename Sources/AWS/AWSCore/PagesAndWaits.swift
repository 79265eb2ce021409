extension AWSClient {
    /// The pages of a list, each fetched on demand.
    package func pages<O: PagedOperation>(of operation: O) -> Pages<O> {
        Pages(operation: operation, client: self)
    }

    /// All entries of a list, across its pages, holding no more than one page in memory.
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
            do { next = try operation.turn(after: page) ? operation : nil } catch let error as UnexpectedResponse {
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

/// Advances a pagination token to the next page.
/// - Returns: false if the service returned no token, or an empty one, as some services do on the last page.
/// - Throws: `UnexpectedResponse` if the service returns the same token again, since such a list would never end.
package func advance(_ token: inout String?, to next: String?) throws -> Bool {
    guard let next, !next.isEmpty else { return false }
    guard next != token else { throw UnexpectedResponse.sameToken }
    token = next
    return true
}

extension UnexpectedResponse {
    package static let sameToken = UnexpectedResponse(
        "pagination does not advance: the next page has the same token as this one")
}

/// How often a long-running process is polled, and when polling times out.
package struct PollingPolicy: Sendable, Equatable {
    package var first: Duration
    package var longest: Duration
    /// Factor by which the pause grows with each poll.
    package var growth: Double
    package var limit: Duration
    /// How long failed polls, such as a broken connection, are tolerated.
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

/// A wait that timed out.
package struct WaitTimeout: Error, Sendable, Equatable, CustomStringConvertible {
    package var awaited: String
    package var limit: Duration
    /// The service's explanation, if it gives one.
    package var reason: String?

    package var description: String {
        "timed out after \(limit.components.seconds) s waiting for \(awaited)" + (reason.map { ": \($0)" } ?? "")
    }
}

extension AWSClient {
    /// Polls at a pace until there is a result.
    /// - Parameters:
    ///   - awaited: a noun phrase for the error message: `the snapshot snap-1`.
    ///   - reason: called after a timeout to explain it.
    ///   - ask: returns `nil` while the result is pending; throws if it can never come.
    /// - Throws: `WaitTimeout`, or what `ask` throws.
    package func wait<Result>(
        for awaited: String, at polling: PollingPolicy, reason: () async -> String? = { nil },
        until ask: () async throws -> Result?
    ) async throws -> Result {
        let time = world.time
        let start = time.uptime()
        var lastNews = start
        var pause = polling.first
        while true {
            do {
                if let result = try await ask() { return result }
                lastNews = time.uptime()
            } catch let error as AWSError where [.unreachable, .temporary].contains(error.kind) {
                guard time.uptime() - lastNews < polling.patience else { throw error }
            }
            guard time.uptime() - start < polling.limit else {
                throw WaitTimeout(awaited: awaited, limit: polling.limit, reason: await reason())
            }
            // Jitter, so that concurrent waits do not poll in lockstep.
            try await time.sleep(pause * (0.75 + time.random() / 2))
            pause = min(pause * polling.growth, polling.longest)
        }
    }
}

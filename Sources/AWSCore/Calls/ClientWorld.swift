import FoundationEssentials

/// All that a client needs of the world; made in one place, and pretended in tests.
package struct ClientWorld: Sendable {
    package var transport: any Transport
    package var credentials: any CredentialSource
    /// The user's endpoint of a service in a region, `nil` for AWS's own.
    package var endpoint: @Sendable (Service, _ region: String) -> Endpoint?
    /// How long one call may take with all its attempts.
    package var limit: Duration
    package var backoff: Backoff
    package var time: CallTime
    /// Told of every attempt when it has ended.
    package var observe: @Sendable (CallRecord) -> Void

    package init(
        transport: any Transport, credentials: any CredentialSource,
        endpoint: @escaping @Sendable (Service, String) -> Endpoint? = { _, _ in nil },
        limit: Duration = .seconds(600), backoff: Backoff = .init(), time: CallTime = .live,
        observe: @escaping @Sendable (CallRecord) -> Void = { _ in }
    ) {
        self.transport = transport
        self.credentials = credentials
        self.endpoint = endpoint
        self.limit = limit
        self.backoff = backoff
        self.time = time
        self.observe = observe
    }
}

/// Date, passing time, sleep and chance, so that tests run hours in milliseconds and jitter is known.
package struct CallTime: Sendable {
    package var now: @Sendable () -> Date
    /// Grows evenly, whatever happens to the date.
    package var uptime: @Sendable () -> Duration
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A number from 0 to 1.
    package var random: @Sendable () -> Double

    package init(
        now: @escaping @Sendable () -> Date, uptime: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void, random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.uptime = uptime
        self.sleep = sleep
        self.random = random
    }

    package static let live = {
        let start = ContinuousClock.now
        return CallTime(
            now: { Date() }, uptime: { start.duration(to: .now) }, sleep: { try await Task.sleep(for: $0) },
            random: { Double.random(in: 0...1) })
    }()
}

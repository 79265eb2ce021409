import FoundationEssentials
import Synchronization

/// Encodes, signs, sends and decodes operations, and retries them where that is safe.
///
/// A value type: copies for another region share connections, credentials, limits and the corrected clock.
package struct AWSClient: Sendable {
    package var region: String
    package let world: ClientWorld
    let state: ClientState

    package init(region: String, world: ClientWorld) {
        self.init(region: region, world: world, state: ClientState())
    }

    private init(region: String, world: ClientWorld, state: ClientState) {
        self.region = region
        self.world = world
        self.state = state
    }

    /// Returns the same client for another region.
    package func region(_ region: String) -> AWSClient {
        AWSClient(region: region, world: world, state: state)
    }

    /// - Throws: `AWSError`; `CancellationError`; whatever the credential source throws.
    package func call<O: Operation>(_ operation: O) async throws -> O.Output {
        var call = Call(operation, of: self)
        return try await call.run()
    }

    /// Returns a URL that performs one operation until it expires. The operation's headers are signed too, so every
    /// request to the URL must send them.
    package func presigned<O: Operation>(_ operation: O, lifetime: Duration) async throws -> String {
        let credentials = try await world.credentials.credentials(insteadOf: nil)
        let request = try request(for: operation)
        let signer = SigV4(
            credentials, region: request.endpoint.signingRegion, service: O.service.signingName,
            at: state.corrected(world.time.now()))
        return signer.presigned(request, lifetime: lifetime).url
    }

    func request<O: Operation>(for operation: O) throws -> HTTPRequest {
        var request = HTTPRequest(.post, world.endpoint(O.service, region) ?? O.service.endpoint(in: region))
        try operation.encode(into: &request)
        return request
    }
}

/// State shared by all calls of a client: the corrected clock, the retry budget, the concurrency limits.
final class ClientState: Sendable {
    private struct Values {
        var clockOffset: TimeInterval = 0
        var retryBudget = RetryBudget()
        var gates: [String: ConcurrencyLimiter] = [:]
    }

    private let values = Mutex(Values())
    let signingKeys = SigningKeys()

    /// Corrects a local time by the known offset between this host's clock and AWS's.
    func corrected(_ now: Date) -> Date {
        now.addingTimeInterval(values.withLock { $0.clockOffset })
    }

    func correctClock(by offset: TimeInterval) {
        values.withLock { $0.clockOffset = offset }
    }

    /// - Returns: false if so many calls have failed that another retry would only add to the load.
    func takeFromBudget(_ cost: Int) -> Bool {
        values.withLock { $0.retryBudget.take(cost) }
    }

    func returnToBudget(_ amount: Int) {
        values.withLock { $0.retryBudget.give(amount) }
    }

    func gate(_ service: Service) -> ConcurrencyLimiter {
        values.withLock { values in
            if let gate = values.gates[service.id] { return gate }
            let gate = ConcurrencyLimiter(width: service.concurrency)
            values.gates[service.id] = gate
            return gate
        }
    }
}

/// The token bucket of AWS's standard retry mode: every retry takes tokens, every success returns some.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
struct RetryBudget {
    static let full = 500
    static let retry = 5
    static let retryAfterTimeout = 10

    private(set) var tokens = full

    mutating func take(_ cost: Int) -> Bool {
        guard tokens >= cost else { return false }
        tokens -= cost
        return true
    }

    mutating func give(_ amount: Int) {
        tokens = min(tokens + amount, Self.full)
    }
}

/// Everything a client needs from the outside world; built in one place, and faked in tests.
package struct ClientWorld: Sendable {
    package var transport: any Transport
    package var credentials: any CredentialSource
    /// The endpoint that the user configured for a service in a region, `nil` for the AWS endpoint.
    package var endpoint: @Sendable (Service, _ region: String) -> Endpoint?
    /// Time limit of one call across all its attempts.
    package var limit: Duration
    package var backoff: Backoff
    package var time: CallTime
    /// Called after every attempt.
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

/// Date, monotonic time, sleep and randomness, so that tests run hours in milliseconds and jitter is predictable.
package struct CallTime: Sendable {
    package var now: @Sendable () -> Date
    /// Monotonic time, unaffected by changes of the system clock.
    package var uptime: @Sendable () -> Duration
    package var sleep: @Sendable (Duration) async throws -> Void
    /// A random number from 0 to 1.
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

/// Limits how many tasks run at the same time; the others wait in order of arrival.
final class ConcurrencyLimiter: Sendable {
    private struct Queue {
        var free: Int
        var next = 0
        var waiting: [(ticket: Int, CheckedContinuation<Void, any Error>)] = []
        /// Tickets whose tasks were cancelled before they started to wait.
        var cancelled: Set<Int> = []
    }

    private let queue: Mutex<Queue>

    init(width: Int) {
        queue = Mutex(Queue(free: width))
    }

    /// - Throws: `CancellationError` if the task is cancelled while it waits.
    func pass<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let ticket: Int? = queue.withLock { queue in
            if queue.free > 0 {
                queue.free -= 1
                return nil
            }
            queue.next += 1
            return queue.next
        }
        guard let ticket else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(ticket, $0) }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func wait(_ ticket: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let outcome: Result<Void, CancellationError>? = queue.withLock { queue in
            if queue.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
            // A slot may have become free since the ticket was drawn.
            if queue.free > 0 {
                queue.free -= 1
                return .success(())
            }
            queue.waiting.append((ticket, continuation))
            return nil
        }
        if let outcome { continuation.resume(with: outcome.mapError { $0 as any Error }) }
    }

    private func cancel(_ ticket: Int) {
        let waiting = queue.withLock { queue -> CheckedContinuation<Void, any Error>? in
            guard let place = queue.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                queue.cancelled.insert(ticket)
                return nil
            }
            return queue.waiting.remove(at: place).1
        }
        waiting?.resume(throwing: CancellationError())
    }

    private func leave() {
        let next = queue.withLock { queue -> CheckedContinuation<Void, any Error>? in
            guard queue.waiting.isEmpty else { return queue.waiting.removeFirst().1 }
            queue.free += 1
            return nil
        }
        next?.resume()
    }
}

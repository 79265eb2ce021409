import FoundationEssentials
import Synchronization

/// Encodes, signs, sends and decodes operations, and sends them again where that is safe.
///
/// A value: copies for another region share connections, credentials, limits and the corrected clock.
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

    /// The same client for another region.
    package func region(_ region: String) -> AWSClient {
        AWSClient(region: region, world: world, state: state)
    }

    /// - Throws: `AWSError`; `CancellationError`; what the source of the credentials throws.
    package func call<O: Operation>(_ operation: O) async throws -> O.Output {
        var call = Call(operation, of: self)
        return try await call.run()
    }

    /// A URL that does one operation, for a time. Headers that the operation has are signed too, so that whoever uses
    /// the URL has to send them.
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

/// What all calls of a client share: the corrected clock, the budget for retries, the limits of concurrency.
final class ClientState: Sendable {
    private struct Values {
        var clockOffset: TimeInterval = 0
        var retryBudget = RetryBudget()
        var gates: [String: Gate] = [:]
    }

    private let values = Mutex(Values())
    let signingKeys = SigningKeys()

    /// AWS's time, as far as this machine's clock is known to be wrong.
    func corrected(_ now: Date) -> Date {
        now.addingTimeInterval(values.withLock { $0.clockOffset })
    }

    func correctClock(by offset: TimeInterval) {
        values.withLock { $0.clockOffset = offset }
    }

    /// - Returns: false where so much has failed that sending again would only add to the load.
    func takeFromBudget(_ cost: Int) -> Bool {
        values.withLock { $0.retryBudget.take(cost) }
    }

    func returnToBudget(_ amount: Int) {
        values.withLock { $0.retryBudget.give(amount) }
    }

    func gate(_ service: Service) -> Gate {
        values.withLock { values in
            if let gate = values.gates[service.id] { return gate }
            let gate = Gate(width: service.concurrency)
            values.gates[service.id] = gate
            return gate
        }
    }
}

/// The token bucket of AWS's standard retry mode: every retry costs, every success gives back.
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

/// Lets at most so many through at the same time, the others in the order in which they came.
final class Gate: Sendable {
    private struct Queue {
        var free: Int
        var next = 0
        var waiting: [(ticket: Int, CheckedContinuation<Void, any Error>)] = []
        /// Tickets whose tasks were cancelled before they had begun to wait.
        var cancelled: Set<Int> = []
    }

    private let queue: Mutex<Queue>

    init(width: Int) {
        queue = Mutex(Queue(free: width))
    }

    /// - Throws: `CancellationError` where the task is cancelled while it waits.
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
            // Somebody may have left since the ticket was drawn.
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

import FoundationEssentials

/// A call in progress, across all its attempts.
struct Call<O: Operation> {
    private var operation: O
    private let client: AWSClient
    private let started: Duration
    private let startedAt: Date
    private var attempt = 0
    /// An attempt may have taken effect although no response confirmed it.
    private var isDoubtful = false
    private var hasCorrectedClock = false
    private var refused: Credentials?
    private var hasRenewedCredentials = false
    /// Tokens that the last retry took from the budget; a success returns them.
    private var spent = 0

    private var world: ClientWorld { client.world }

    init(_ operation: O, of client: AWSClient) {
        self.operation = operation
        self.client = client
        started = client.world.time.uptime()
        startedAt = client.world.time.now()
        if case .token(let token) = O.retrySafety, self.operation[keyPath: token] == nil {
            self.operation[keyPath: token] = UUID().uuidString.lowercased()
        }
    }

    mutating func run() async throws -> O.Output {
        while true {
            attempt += 1
            var trail = AttemptRecorder(of: O.self, client, attempt)
            do {
                let output = try await send(&trail)
                client.state.returnToBudget(max(spent, 1))
                world.observe(trail.record())
                return output
            } catch let error where error.isOfTheAnswer {
                if let output = try await outcome(of: error) {
                    world.observe(trail.record(error))
                    return output
                }
                let pause = pause(after: error, trail)
                world.observe(trail.record(error, retryIn: pause))
                guard let pause else { throw final(error) }
                try await world.time.sleep(pause)
                if isDoubtful, let output = try await lookup(after: error) { return output }
            }
        }
    }

    private func send(_ trail: inout AttemptRecorder) async throws -> O.Output {
        let credentials = try await world.credentials.credentials(insteadOf: refused)
        var request = try client.request(for: operation)
        trail.sends(request, with: credentials)
        if !credentials.accessKeyID.isEmpty {
            let now = client.state.corrected(world.time.now())
            request = SigV4(
                credentials, region: request.endpoint.signingRegion, service: O.service.signingName, at: now,
                keys: client.state.signingKeys
            ).signed(request)
        }
        let rest = max(.milliseconds(1), world.limit - (world.time.uptime() - started))
        let response = try await client.state.gate(O.service).pass { try await exchange(request, within: rest) }
        trail.received(response)
        guard response.isSuccess else { throw operation.decodeError(response).without(credentials) }
        return try operation.decode(response)
    }

    /// Once sent, an operation that creates or removes something runs to its end, even if the task is cancelled
    /// meanwhile: otherwise nothing would know which resources to clean up.
    private func exchange(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        try Task.checkCancellation()
        let transport = world.transport
        if case .harmless = O.retrySafety { return try await transport.send(request, within: limit) }
        return try await Task { try await transport.send(request, within: limit) }.value
    }

    /// The output of the call, if this attempt's error shows that an earlier attempt took effect.
    private func outcome(of error: any Error) async throws -> O.Output? {
        guard isDoubtful, let code = (error as? ServiceError)?.code else { return nil }
        switch O.retrySafety {
        case .removal(let gone, let output) where gone.contains(code): return output
        case .lookup(let taken, _) where taken.contains(code): return try await lookup(after: error)
        default: return nil
        }
    }

    private func lookup(after error: any Error) async throws -> O.Output? {
        guard case .lookup(_, let find) = O.retrySafety else { return nil }
        let since = client.state.corrected(startedAt)
        do { return try await find(operation, client, since) } catch is AWSError { throw final(error) }
    }

    /// - Returns: how long to wait before the next attempt; `nil` for no further attempt.
    private mutating func pause(after error: any Error, _ trail: AttemptRecorder) -> Duration? {
        let verdict = FailureClass(of: error)
        if verdict.mayHaveTakenEffect { isDoubtful = true }
        guard attempt < world.backoff.attempts, verdict.cause != .refused else { return nil }
        if case .never = O.retrySafety, isDoubtful { return nil }
        switch verdict.cause {
        case .clock: return correctClock(by: trail) ? .zero : nil
        case .expired: return correctClock(by: trail) || renewCredentials(trail) ? .zero : nil
        default: break
        }
        let cost = verdict.cause == .timedOut ? RetryBudget.retryAfterTimeout : RetryBudget.retry
        guard client.state.takeFromBudget(cost) else { return nil }
        spent = cost
        let pause = max(
            world.backoff.pause(
                after: attempt, isThrottled: verdict.cause == .throttled, chance: world.time.random()),
            trail.askedPause)
        return world.time.uptime() - started + pause < world.limit ? pause : nil
    }

    /// Corrects the clock once per call, and only if the response's date differs by more than AWS tolerates.
    private mutating func correctClock(by trail: AttemptRecorder) -> Bool {
        guard !hasCorrectedClock, let date = trail.date else { return false }
        let now = world.time.now()
        guard abs(date.timeIntervalSince(client.state.corrected(now))) > 240 else { return false }
        hasCorrectedClock = true
        client.state.correctClock(by: date.timeIntervalSince(now))
        return true
    }

    private mutating func renewCredentials(_ trail: AttemptRecorder) -> Bool {
        guard !hasRenewedCredentials, let credentials = trail.credentials else { return false }
        hasRenewedCredentials = true
        refused = credentials
        return true
    }

    private func final(_ error: any Error) -> AWSError {
        var isUnknown = isDoubtful
        switch O.retrySafety {
        case .harmless: isUnknown = false
        default: break
        }
        return AWSError(error, of: O.self, in: client.region, attempts: attempt, mayHaveTakenEffect: isUnknown)
    }
}

extension Error {
    /// Whether sending or the response failed, as opposed to cancellation or missing credentials.
    fileprivate var isOfTheAnswer: Bool {
        self is ServiceError || self is TransportError || self is UnexpectedResponse
    }
}

/// The record of one attempt while it is in progress.
struct AttemptRecorder {
    private var entry: CallRecord
    private let uptime: @Sendable () -> Duration
    private let began: Duration
    private(set) var credentials: Credentials?
    private var dateText: String?
    /// Pause that the server requests before the next attempt.
    private(set) var askedPause: Duration = .zero

    init<O: Operation>(of operation: O.Type, _ client: AWSClient, _ attempt: Int) {
        uptime = client.world.time.uptime
        began = uptime()
        entry = CallRecord(
            time: client.world.time.now(), service: O.service.id, operation: O.name, region: client.region, host: "",
            attempt: attempt, duration: .zero)
    }

    mutating func sends(_ request: HTTPRequest, with credentials: Credentials) {
        self.credentials = credentials
        entry.host = request.endpoint.authority
        entry.bytesSent = request.body.count
    }

    mutating func received(_ response: HTTPResponse) {
        entry.status = response.status
        entry.requestID = response.requestID
        entry.bytesReceived = response.body.count
        dateText = response.header("date")
        askedPause = response.header("retry-after").flatMap { Int($0) }.map { .seconds(min(max($0, 0), 60)) } ?? .zero
    }

    /// The response's `Date`, by the server's clock.
    var date: Date? { dateText.flatMap(httpDate) }

    func record(_ error: (any Error)? = nil, retryIn pause: Duration? = nil) -> CallRecord {
        var record = entry
        record.duration = uptime() - began
        record.retryIn = pause
        if let error = error as? ServiceError {
            record.error = "\(error.code): \(error.message)"
            record.requestID = error.requestID ?? record.requestID
        } else if let error {
            record.error = "\(error)"
        }
        return record
    }
}

/// One attempt of one call, as shown by `--log-level debug` and `--trace-aws`. It holds no secrets: headers and bodies
/// are not recorded, and secrets are removed from AWS's error messages.
package struct CallRecord: Sendable, Equatable {
    package var time: Date
    package var service: String
    package var operation: String
    package var region: String
    package var host: String
    package var attempt: Int
    package var duration: Duration
    package var status: Int?
    package var requestID: String?
    package var bytesSent: Int
    package var bytesReceived: Int
    /// Error code and message of a failed attempt.
    package var error: String?
    /// Pause before the next attempt; `nil` if there is none.
    package var retryIn: Duration?

    package init(
        time: Date, service: String, operation: String, region: String, host: String, attempt: Int,
        duration: Duration, status: Int? = nil, requestID: String? = nil, bytesSent: Int = 0, bytesReceived: Int = 0,
        error: String? = nil, retryIn: Duration? = nil
    ) {
        self.time = time
        self.service = service
        self.operation = operation
        self.region = region
        self.host = host
        self.attempt = attempt
        self.duration = duration
        self.status = status
        self.requestID = requestID
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.error = error
        self.retryIn = retryIn
    }
}

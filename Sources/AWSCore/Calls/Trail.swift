import FoundationEssentials

/// What is noted of one attempt while it runs.
struct Trail {
    private var entry: CallRecord
    private let uptime: @Sendable () -> Duration
    private let began: Duration
    private(set) var credentials: Credentials?
    private var dateText: String?
    /// What the server asks to wait before the next attempt.
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

    /// The server's clock.
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

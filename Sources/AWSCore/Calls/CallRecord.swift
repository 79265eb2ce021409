import FoundationEssentials

/// One attempt of one call, as `--log-level debug` and `--trace-aws` show it. It has no place for a secret: neither
/// headers nor bodies are in it, and what AWS says is cleaned of them.
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
    /// Code and message where it failed.
    package var error: String?
    /// How long is waited before the next attempt; `nil` where there is none.
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

/// Sends one request and receives its whole answer; the HTTP library is behind it.
package protocol Transport: Sendable {
    /// - Parameter limit: how long it may take; how long connecting and silence may is the transport's own.
    /// - Throws: `TransportError`, or `CancellationError` where the task was cancelled.
    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse
}

/// A request that got no complete answer.
package struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// No connection came about, so nothing was sent: name not found, refused, unreachable, TLS not accepted.
        case notConnected
        /// The connection broke, or the answer ended early; the request may have taken effect.
        case lost
        /// Silence, or the whole took too long; the request may have taken effect.
        case timedOut
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}

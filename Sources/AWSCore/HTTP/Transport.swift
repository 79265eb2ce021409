/// Sends one request and receives its whole answer; the HTTP library is behind it.
package protocol Transport: Sendable {
    /// - Parameter timeouts: how long connecting, silence and the whole may take.
    /// - Throws: `TransportError`, or `CancellationError` where the task was cancelled.
    func send(_ request: HTTPRequest, _ timeouts: Timeouts) async throws -> HTTPResponse
}

package struct Timeouts: Sendable, Equatable {
    /// Until the connection, with TLS, stands.
    package var connect: Duration
    /// Between two pieces of an answer, and until its first.
    package var silence: Duration
    /// For one call with all its attempts.
    package var whole: Duration

    package init(
        connect: Duration = .seconds(5), silence: Duration = .seconds(60), whole: Duration = .seconds(600)
    ) {
        self.connect = connect
        self.silence = silence
        self.whole = whole
    }
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

/// What a service says of a request that it refused.
package struct ServiceError: Error, Sendable, Equatable {
    package var status: Int
    /// AWS's name for it, without namespace: `AccessDenied`.
    package var code: String
    package var message: String
    package var requestID: String?

    package init(status: Int, code: String, message: String, requestID: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.requestID = requestID
    }
}

/// A successful status with something else than the expected document: a proxy's page, half an answer.
package struct UnexpectedAnswer: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}

import FoundationEssentials

/// An access key. It never reveals its secrets, however it is printed.
package struct Credentials: Sendable, Equatable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String?
    /// `nil` for credentials that are valid until revoked.
    package var expiration: Date?
    /// Human-readable origin of the credentials.
    package var origin: String

    package init(
        accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Date? = nil,
        origin: String
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
        self.origin = origin
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(accessKeyID) (\(origin))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID, "origin": origin]) }
}

/// A source of credentials, queried before every attempt.
package protocol CredentialSource: Sendable {
    /// - Parameter refused: credentials that AWS just rejected as expired; the source returns others if it has any.
    func credentials(insteadOf refused: Credentials?) async throws -> Credentials
}

/// The source for unsigned calls, such as those that exchange a web identity for credentials.
package struct AnonymousSource: CredentialSource {
    package init() {}

    package func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(accessKeyID: "", secretAccessKey: "", origin: "anonymous")
    }
}

extension ServiceError {
    /// The error with secrets removed: on a wrong signature, AWS returns everything it signed, session token included.
    func without(_ credentials: Credentials) -> ServiceError {
        var error = self
        for secret in [credentials.secretAccessKey, credentials.sessionToken ?? ""] where !secret.isEmpty {
            error.message = error.message.replacing(secret, with: "***")
                .replacing(percentEncoded(secret), with: "***")
        }
        return error
    }
}

import FoundationEssentials

/// An access key. Printing it in whatever way shows no secret.
package struct Credentials: Sendable, Equatable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String?
    /// `nil` where they are good until somebody revokes them.
    package var expiration: Date?
    /// Where they came from, in words for people.
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

/// Where credentials come from; asked before every attempt.
package protocol CredentialSource: Sendable {
    /// - Parameter refused: credentials that AWS has just refused as expired; others are to be given, if there are any.
    func credentials(insteadOf refused: Credentials?) async throws -> Credentials
}

/// For calls that carry no signature, such as those that exchange a web identity for credentials.
package struct AnonymousSource: CredentialSource {
    package init() {}

    package func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(accessKeyID: "", secretAccessKey: "", origin: "anonymous")
    }
}

extension ServiceError {
    /// The error without secrets: AWS answers a wrong signature with all that it has signed, session token included.
    func without(_ credentials: Credentials) -> ServiceError {
        var error = self
        for secret in [credentials.secretAccessKey, credentials.sessionToken ?? ""] where !secret.isEmpty {
            error.message = error.message.replacing(secret, with: "***")
                .replacing(percentEncoded(secret), with: "***")
        }
        return error
    }
}

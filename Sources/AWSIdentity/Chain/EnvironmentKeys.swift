import AWSCore
import FoundationEssentials

extension IdentityWorld {
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and when they expire.
    func environmentKeys() throws -> Found {
        guard let id = variable("AWS_ACCESS_KEY_ID") else { return .nothing("AWS_ACCESS_KEY_ID is not set") }
        guard let secret = variable("AWS_SECRET_ACCESS_KEY") else {
            throw IdentityError(
                .credentials, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
                advice: "set both, or unset AWS_ACCESS_KEY_ID")
        }
        let credentials = Credentials(
            accessKeyID: id, secretAccessKey: secret,
            sessionToken: variable("AWS_SECURITY_TOKEN") ?? variable("AWS_SESSION_TOKEN"),
            expiration: try environmentExpiration(), origin: "environment, AWS_ACCESS_KEY_ID")
        guard credentials.expiration != nil else { return .route(CredentialRoute(credentials)) }
        return .route(
            CredentialRoute(origin: credentials.origin) { _ in
                try expectGood(credentials, advice: "set AWS_ACCESS_KEY_ID and the others anew")
            })
    }

    private func environmentExpiration() throws -> Date? {
        guard let text = variable("AWS_CREDENTIAL_EXPIRATION") else { return nil }
        guard let time = parsedTime(text) else {
            throw IdentityError(
                .usage, "AWS_CREDENTIAL_EXPIRATION is not a time such as 2026-11-24T12:00:00Z")
        }
        return time
    }

    /// Credentials that have expired already would only make AWS refuse the first call.
    func expectGood(_ credentials: Credentials, advice: String) throws -> Credentials {
        guard let expiration = credentials.expiration, expiration <= time.now() else { return credentials }
        throw IdentityError(
            .credentials, "the credentials of \(credentials.origin) expired at \(expiration.formatted(.iso8601))",
            advice: advice)
    }
}

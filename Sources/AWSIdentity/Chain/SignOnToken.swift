import AWSCore
import AWSServices
import FoundationEssentials

/// What `aws sso login` leaves in `~/.aws/sso/cache`, and renews itself while the login lasts.
/// Source: `botocore/tokens.py`, `SSOTokenProvider`
struct SignOnToken: Codable, Sendable {
    var startUrl: String?
    var region: String?
    var accessToken: String
    var expiresAt: String
    var clientId: String?
    var clientSecret: String?
    var registrationExpiresAt: String?
    var refreshToken: String?

    private static let margin: TimeInterval = 15 * 60

    var end: Date? { parsedTime(expiresAt) }

    func needsRenewal(at now: Date) -> Bool {
        end.map { $0.timeIntervalSince(now) < Self.margin } ?? true
    }

    /// The token for the next hour; `nil` where only a new login gives one.
    func renewed(_ chain: CredentialChain, region: String, startURL: String) async throws -> SignOnToken? {
        let now = chain.world.time.now()
        guard let clientId, let clientSecret, let refreshToken,
            let registered = registrationExpiresAt.flatMap(parsedTime), registered > now
        else { return nil }
        let call = SSOOIDC.CreateToken(
            clientId: clientId, clientSecret: clientSecret, grantType: "refresh_token", refreshToken: refreshToken)
        do {
            let issued = try await chain.client(with: AnonymousSource(), region: region, hiding: refreshToken).call(
                call)
            var token = self
            token.startUrl = startURL
            token.region = region
            token.accessToken = issued.accessToken
            token.expiresAt = (now + Double(issued.expiresIn)).formatted(.iso8601)
            token.refreshToken = issued.refreshToken
            return token
        } catch is AWSError {
            return nil
        }
    }
}

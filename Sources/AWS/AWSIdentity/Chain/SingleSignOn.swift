import AWSCore
import AWSServices
import FoundationEssentials

/// IAM Identity Center: exchanges the token stored by `aws sso login` for the credentials of a role.
struct SingleSignOn: Sendable {
    private let account: String
    private let role: String
    private let region: String
    private let startURL: String
    /// Whether the login belongs to an `sso-session`, which several profiles share and which can be renewed; a legacy
    /// login belongs to one profile and cannot be renewed.
    private let isSession: Bool
    private let origin: String
    private let tokenPath: String
    private let login: String
    private let chain: CredentialChain

    /// - Returns: `nil` if the profile has no single sign-on settings.
    static func route(_ profile: Profile, _ chain: CredentialChain) throws -> CredentialRoute? {
        guard profile.has("sso_account_id") || profile.has("sso_role_name") else { return nil }
        let signOn = try SingleSignOn(profile, chain)
        return CredentialRoute(origin: signOn.origin) { _ in try await signOn.fetch() }
    }

    private init(_ profile: Profile, _ chain: CredentialChain) throws {
        let session = profile.entry("sso_session")
        var settings = profile.configuration.merging(profile.credentials) { $1 }
        if let session {
            guard let shared = chain.files.ssoSessions[session.value] else {
                var error = profile.mistake("sso_session", "there is no section [sso-session \(session.value)]")
                error.unknown = .init(name: session.value, known: chain.files.ssoSessions.keys.sorted())
                throw error
            }
            for (key, entry) in shared {
                if let own = settings[key], own.value != entry.value {
                    throw profile.mistake(key, "\(key) conflicts with the value in [sso-session \(session.value)]")
                }
                settings[key] = entry
            }
        }
        let names = ["sso_account_id", "sso_role_name", "sso_region", "sso_start_url"]
        let missing = names.filter { settings[$0] == nil }
        guard missing.isEmpty else {
            let key = profile.has("sso_account_id") ? "sso_account_id" : "sso_role_name"
            throw profile.mistake(key, "missing settings for single sign-on: \(missing.joined(separator: ", "))")
        }
        account = settings["sso_account_id"]!.value
        role = settings["sso_role_name"]!.value
        let ssoRegion = settings["sso_region"]!
        region = try checked(Setting(ssoRegion.value, origin: ssoRegion.place.short)) { message in
            IdentityError(
                .files, "profile '\(profile.name)' is invalid",
                details: ["\(ssoRegion.place.full): error: \(message)"])
        }.value
        startURL = settings["sso_start_url"]!.value
        isSession = session != nil
        tokenPath = "\(chain.world.home)/.aws/sso/cache/\(sha1(session?.value ?? startURL)).json"
        login =
            session.map { "aws sso login --sso-session \(quoted($0.value))" }
            ?? "aws sso login --profile \(quoted(profile.name))"
        let place = (profile.entry("sso_account_id") ?? profile.entry("sso_role_name"))!.place
        origin = "single sign-on of profile \(profile.name), \(place.short)"
        self.chain = chain
    }

    private func fetch() async throws -> Credentials {
        let token = try await token()
        return try await chain.explaining(origin, hiding: token.accessToken) {
            do {
                return try await chain.client(with: AnonymousSource(), region: region, hiding: token.accessToken)
                    .call(SSO.GetRoleCredentials(roleName: role, accountId: account, accessToken: token.accessToken))
                    .credentials(origin)
            } catch let error as AWSError where error.code == "UnauthorizedException" {
                throw IdentityError(.credentials, "the login for the \(origin) is no longer valid", advice: login)
            }
        }
    }
}

extension SingleSignOn {
    /// The login's token. The token of an `sso-session` is renewed in time and stored where the AWS CLI also finds it.
    private func token() async throws -> SSOToken {
        let world = chain.world
        guard let text = try world.text(of: tokenPath) else {
            throw IdentityError(.credentials, "no login found for the \(origin)", advice: login)
        }
        guard let token = try? JSONDecoder().decode(SSOToken.self, from: Data(text.utf8)), let end = token.end else {
            throw IdentityError(
                .credentials, "the login for the \(origin) is invalid: \(world.shown(tokenPath))", advice: login)
        }
        if isSession, token.needsRenewal(at: world.time.now()),
            let renewed = try await token.renewed(chain, region: region, startURL: startURL)
        {
            keep(renewed)
            return renewed
        }
        guard end > world.time.now() else {
            throw IdentityError(
                .credentials, "the login for the \(origin) expired at \(end.formatted(.iso8601))", advice: login)
        }
        return token
    }

    private func keep(_ token: SSOToken) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try chain.world.writeFile(tokenPath, String(decoding: try encoder.encode(token), as: UTF8.self))
        } catch {
            chain.world.warn("cannot save the renewed login to \(chain.world.shown(tokenPath)): \(error)")
        }
    }
}

extension SSO.GetRoleCredentials.Output {
    fileprivate func credentials(_ origin: String) -> Credentials {
        Credentials(
            accessKeyID: roleCredentials.accessKeyId, secretAccessKey: roleCredentials.secretAccessKey,
            sessionToken: roleCredentials.sessionToken,
            expiration: Date(timeIntervalSince1970: Double(roleCredentials.expiration) / 1000), origin: origin)
    }
}

/// Quotes a word for a command to copy and paste.
private func quoted(_ word: String) -> String {
    word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:".contains($0) } ? word : "'\(word)'"
}

/// The token that `aws sso login` stores in `~/.aws/sso/cache`, renewable while the login lasts.
/// Source: `botocore/tokens.py`, `SSOTokenProvider`
struct SSOToken: Codable, Sendable {
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

    /// Returns a token for the next hour; `nil` if a new login is required.
    func renewed(_ chain: CredentialChain, region: String, startURL: String) async throws -> SSOToken? {
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

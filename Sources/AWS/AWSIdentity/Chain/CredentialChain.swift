import AWSCore
import AWSServices
import FoundationEssentials

/// Looks for credentials in the order of the AWS CLI.
///
/// The order is: environment keys; the profile's role; a web identity from the environment or the profile; the rest of
/// the profile; the web identity of a GitHub workflow, which this program adds; the container; the instance. If a flag
/// names a profile, only that profile is used. Source: `botocore/credentials.py`, `create_credential_resolver`.
struct CredentialChain: Sendable {
    let world: IdentityWorld
    let files: ConfigurationFiles
    let choice: ProfileChoice
    /// Endpoints for the calls that obtain credentials.
    let endpoints: Endpoints
    let region: String

    func route() async throws -> CredentialRoute {
        if choice.isExplicit, let profile = choice.profile {
            switch try profileCredentials.route(profile, usesEnvironment: false) {
            case .route(let route): return route
            case .nothing(let missing):
                throw IdentityError(
                    .credentials, "profile '\(profile.name)' has no credentials: \(missing)",
                    advice: "run 'aws configure --profile \(profile.name)' or "
                        + "'aws configure sso --profile \(profile.name)'")
            }
        }
        var tried: [(String, String)] = []
        for (name, look) in places {
            switch try await look() {
            case .route(let route): return route
            case .nothing(let missing): tried.append((name, missing))
            }
        }
        throw IdentityError.nothingFound(tried)
    }

    private var places: [(String, () async throws -> CredentialLookup)] {
        let name = choice.setting.value
        let profile = choice.profile ?? Profile(name: name)
        return [
            ("environment", { try world.environmentKeys() }),
            ("profile \(name)", { try profileFound(profile) }),
            ("web identity", { .nothing("AWS_WEB_IDENTITY_TOKEN_FILE is not set") }),
            ("GitHub workflow", { gitHubWorkflow() }),
            ("container", { try world.containerCredentials() }),
            ("instance metadata", { try await InstanceMetadata(world, choice.profile).look() }),
        ]
    }

    private func profileFound(_ profile: Profile) throws -> CredentialLookup {
        let found = try profileCredentials.route(profile, usesEnvironment: true)
        if case .nothing = found, choice.profile == nil { return .nothing(files.whereabouts) }
        return found
    }

    private var profileCredentials: ProfileCredentials { ProfileCredentials(chain: self) }

    private func gitHubWorkflow() -> CredentialLookup {
        guard let url = world.variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
            let bearer = world.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        else {
            return .nothing("ACTIONS_ID_TOKEN_REQUEST_URL and …_TOKEN are not set")
        }
        guard let role = world.setting("AWS_ROLE_ARN") else { return .nothing("AWS_ROLE_ARN is not set") }
        let token = GitHubToken(url: url, bearer: bearer, world: world)
        return .route(
            WebIdentity(
                role: role.value, sessionName: world.variable("AWS_ROLE_SESSION_NAME"),
                origin: "GitHub workflow, AWS_ROLE_ARN", cache: nil, token: token.fetch, chain: self
            ).route)
    }

    /// Returns a client for calls that obtain credentials.
    /// - Parameter hiding: a secret to remove from AWS's error messages.
    func client(with source: any CredentialSource, region: String? = nil, hiding secret: String = "") -> AWSClient {
        let observe = world.observe
        let endpoints = endpoints
        return AWSClient(
            region: region ?? self.region,
            world: ClientWorld(
                transport: world.transport, credentials: source, endpoint: { endpoints.endpoint(of: $0, in: $1) },
                backoff: .whileSomebodyWaits, time: world.time,
                observe: { record in
                    var record = record
                    record.error = record.error?.without(secret)
                    observe(record)
                }))
    }

    /// Adds the origin of the requested credentials to the error of a failed call.
    func explaining<T>(
        _ origin: String, hiding secret: String = "", _ body: () async throws -> T
    ) async throws -> T {
        do { return try await body() } catch var error as AWSError {
            error.message = "\(error.message.without(secret)) (credentials: \(origin))"
            throw error
        }
    }
}

extension STS.IssuedCredentials {
    func credentials(_ origin: String) -> Credentials {
        Credentials(
            accessKeyID: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey,
            sessionToken: credentials.sessionToken, expiration: credentials.expiration, origin: origin)
    }
}

extension String {
    func without(_ secret: String) -> String {
        secret.isEmpty ? self : replacing(secret, with: "***")
    }
}

/// A configured way to obtain credentials, which are not fetched yet.
struct CredentialRoute: Sendable {
    /// Human-readable origin: `profile dev, ~/.aws/config:3`.
    var origin: String
    /// The region of the credential source, used if no region is configured.
    var region: Setting?
    var fetch: CredentialCache.Fetch

    /// Creates a route to static keys.
    init(_ credentials: Credentials) {
        origin = credentials.origin
        fetch = { _ in credentials }
    }

    init(origin: String, fetch: @escaping CredentialCache.Fetch) {
        self.origin = origin
        self.fetch = fetch
    }

    func keeper(_ world: IdentityWorld) -> CredentialCache {
        CredentialCache(now: world.time.now, fetch: fetch)
    }
}

/// The result of looking for credentials in one place.
enum CredentialLookup: Sendable {
    case route(CredentialRoute)
    /// No credentials, with a message that names what is missing.
    case nothing(String)
}

extension IdentityWorld {
    /// Looks for AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION.
    func environmentKeys() throws -> CredentialLookup {
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
                try expectGood(credentials, advice: "set AWS_ACCESS_KEY_ID and its related variables again")
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

    /// Rejects expired credentials early, since AWS would reject the first call with them.
    func expectGood(_ credentials: Credentials, advice: String) throws -> Credentials {
        guard let expiration = credentials.expiration, expiration <= time.now() else { return credentials }
        throw IdentityError(
            .credentials, "the credentials from \(credentials.origin) expired at \(expiration.formatted(.iso8601))",
            advice: advice)
    }
}

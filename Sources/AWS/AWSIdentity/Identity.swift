import AWSCore
import AWSServices
import FoundationEssentials

/// The identity and region for AWS calls, and the origin of each setting.
package struct Identity: Sendable {
    /// The profile's name and its origin; `nil` if no profile exists and none was requested.
    package var profile: Setting?
    package var region: Setting?
    package var endpoints: Endpoints
    /// Human-readable origin of the credentials, known before they are fetched.
    package var origin: String
    package let keeper: CredentialCache
    let world: IdentityWorld

    /// Reads the configuration files and looks for credentials, but does not fetch them yet.
    /// - Parameters:
    ///   - flag: the value of `--aws-profile`.
    ///   - regionFlag: the value of `--region`.
    /// - Throws: `IdentityError`.
    package static func find(
        profile flag: String?, region regionFlag: String?, in world: IdentityWorld
    ) async throws -> Identity {
        let files = try ConfigurationFiles(world)
        let choice = try ProfileChoice(flag: flag, files, world)
        let region = try AWSIdentity.region(flag: regionFlag, choice.profile, world)
        let endpoints = try Endpoints(choice.profile, files, world)
        let chain = CredentialChain(
            world: world, files: files, choice: choice, endpoints: endpoints, region: region?.value ?? home)
        let route = try await chain.route()
        return Identity(
            profile: choice.profile == nil ? nil : choice.setting, region: region ?? route.region,
            endpoints: endpoints, origin: route.origin, keeper: route.keeper(world), world: world)
    }

    /// The profile's file with CA certificates, which has to be known before the first connection. As for botocore,
    /// `AWS_CA_BUNDLE` takes precedence.
    /// - Parameter flag: the value of `--aws-profile`.
    /// - Throws: `IdentityError`.
    package static func certificates(profile flag: String?, in world: IdentityWorld) throws -> Setting? {
        let profile = try ProfileChoice(flag: flag, ConfigurationFiles(world), world).profile
        guard let setting = profile?.setting("ca_bundle"), !setting.value.isEmpty else { return nil }
        return Setting(world.expanded(setting.value), origin: setting.origin)
    }

    /// The region of global services, and the default region for identity calls.
    private static let home = "us-east-1"

    /// - Throws: `IdentityError` if no region is set.
    package func client() throws -> AWSClient {
        guard let region else {
            throw IdentityError(
                .usage,
                "no region is set; checked --region, AWS_REGION, AWS_DEFAULT_REGION"
                    + (profile.map { " and profile \($0.value)" } ?? ""),
                advice: "add --region, for example --region eu-central-1")
        }
        return client(in: region.value)
    }

    /// Asks AWS for the identity that the credentials belong to.
    package func whoAmI() async throws -> CallerIdentity {
        _ = try await keeper.credentials(insteadOf: nil)
        let answer = try await client(in: region?.value ?? Self.home, backoff: .whileSomebodyWaits)
            .call(STS.GetCallerIdentity())
        let credentials = try await keeper.credentials(insteadOf: nil)
        return CallerIdentity(
            account: answer.account, arn: answer.arn, userID: answer.userId, accessKeyID: credentials.accessKeyID,
            origin: credentials.origin, expiration: credentials.expiration,
            isTemporary: credentials.sessionToken != nil)
    }

    private func client(in region: String, backoff: Backoff = .init()) -> AWSClient {
        let endpoints = endpoints
        return AWSClient(
            region: region,
            world: ClientWorld(
                transport: world.transport, credentials: keeper,
                endpoint: { endpoints.endpoint(of: $0, in: $1) }, backoff: backoff, time: world.time,
                observe: world.observe))
    }
}

extension Backoff {
    /// Retries for a few seconds only: no work can be lost yet, and a failed renewal of credentials is retried before
    /// they expire.
    static let whileSomebodyWaits = Backoff(attempts: 4, longest: .seconds(3))
}

/// The identity that the credentials belong to, as reported by AWS.
package struct CallerIdentity: Sendable, Equatable {
    package var account: String
    package var arn: String
    package var userID: String
    package var accessKeyID: String
    /// Human-readable origin of the credentials.
    package var origin: String
    /// `nil` for credentials that do not expire, and for temporary ones whose source does not say when they do.
    package var expiration: Date?
    /// Whether the credentials have a session token, so that they expire.
    package var isTemporary = false
}

/// The selected profile and the origin of the selection.
struct ProfileChoice: Sendable {
    /// The profile's name; the origin is `--aws-profile`, a variable, or `default` if none is named.
    var setting: Setting
    /// Whether a flag names the profile: then only this profile provides credentials, whatever the environment holds.
    var isExplicit: Bool
    var profile: Profile?

    static let flag = "--aws-profile"

    /// - Throws: `IdentityError` if a named profile does not exist.
    init(flag: String?, _ files: ConfigurationFiles, _ world: IdentityWorld) throws {
        isExplicit = flag != nil
        if let named = flag.map({ Setting($0, origin: Self.flag) })
            ?? world.setting("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        {
            setting = named
            profile = try files.profile(named.value, from: named.origin)
        } else {
            setting = Setting("default", origin: "default")
            profile = files.profiles["default"]
        }
    }
}

/// Determines the region from the flag, the environment or the profile, in this order.
///
/// Version 1 of the AWS CLI reads only AWS_DEFAULT_REGION; version 2 and the SDKs read AWS_REGION first.
func region(flag: String?, _ profile: Profile?, _ world: IdentityWorld) throws -> Setting? {
    if let flag { return try checked(Setting(flag, origin: "--region")) { IdentityError(.usage, $0) } }
    if let variable = world.setting("AWS_REGION", "AWS_DEFAULT_REGION") {
        return try checked(variable) { IdentityError(.usage, $0) }
    }
    guard let profile, let setting = profile.setting("region"), !setting.value.isEmpty else { return nil }
    return try checked(setting) { profile.mistake("region", $0) }
}

/// Validates a region: it becomes part of a host name, so it must contain nothing else.
func checked(_ region: Setting, _ error: (String) -> IdentityError) throws -> Setting {
    guard isRegion(region.value) else {
        let comment = region.value.contains("#") ? "; put comments on a separate line" : ""
        let shown = region.value.count <= 63 ? "'\(region.value)' from \(region.origin)" : region.origin
        throw error("\(shown) is not the name of a region, such as eu-central-1\(comment)")
    }
    return region
}

package func isRegion(_ text: String) -> Bool {
    text.wholeMatch(of: /[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?/) != nil && text.contains(where: \.isLetter)
}

/// A setting and its human-readable origin.
package struct Setting: Sendable, Equatable {
    package var value: String
    package var origin: String

    package init(_ value: String, origin: String) {
        self.value = value
        self.origin = origin
    }
}

import AWSCore
import AWSServices
import FoundationEssentials

/// Who calls AWS, from which region, and where each of that was found.
package struct Identity: Sendable {
    /// The profile's name and who named it; `nil` where there is none and nobody asked for one.
    package var profile: Setting?
    package var region: Setting?
    package var endpoints: Endpoints
    /// In words for people, without asking for the credentials.
    package var origin: String
    package let keeper: CredentialKeeper
    private let world: IdentityWorld

    /// Reads the files and looks for credentials, but does not fetch them yet.
    /// - Parameters: what the flags say.
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

    /// Where global services are, and where somebody is asked who has chosen no region.
    private static let home = "us-east-1"

    /// - Throws: `IdentityError` where no region is known.
    package func client() throws -> AWSClient {
        guard let region else {
            throw IdentityError(
                .usage,
                "no region is set: looked at --region, AWS_REGION, AWS_DEFAULT_REGION"
                    + (profile.map { " and profile \($0.value)" } ?? ""),
                advice: "add --region, for example --region eu-central-1")
        }
        return client(in: region.value)
    }

    /// Asks AWS for the names that the credentials stand for.
    package func whoAmI() async throws -> Caller {
        _ = try await keeper.credentials(insteadOf: nil)
        let answer = try await client(in: region?.value ?? Self.home, backoff: .whileSomebodyWaits)
            .call(STS.GetCallerIdentity())
        let credentials = try await keeper.credentials(insteadOf: nil)
        return Caller(
            account: answer.account, arn: answer.arn, userID: answer.userId, accessKeyID: credentials.accessKeyID,
            origin: credentials.origin, expiration: credentials.expiration)
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
    /// Some seconds: nothing has begun yet that would be lost, and credentials that could not be renewed are asked for
    /// again before they expire.
    static let whileSomebodyWaits = Backoff(attempts: 4, longest: .seconds(3))
}

/// The identity that AWS knows the credentials by.
package struct Caller: Sendable, Equatable {
    package var account: String
    package var arn: String
    package var userID: String
    package var accessKeyID: String
    /// Where the credentials came from, in words for people.
    package var origin: String
    /// `nil` where they do not expire.
    package var expiration: Date?
}

/// Which profile is meant, and who says so.
struct ProfileChoice: Sendable {
    /// Its name and `--aws-profile`, the variable, or `default` where nobody names one.
    var setting: Setting
    /// A flag: then only this profile gives credentials, whatever is in the environment.
    var isExplicit: Bool
    var profile: Profile?

    static let flag = "--aws-profile"

    /// - Throws: `IdentityError` where a profile that somebody names is not there.
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

/// Where the region comes from: flag, variables, profile.
///
/// The AWS CLI 1 knows only AWS_DEFAULT_REGION; 2 and the SDKs look at AWS_REGION first.
func region(flag: String?, _ profile: Profile?, _ world: IdentityWorld) throws -> Setting? {
    if let flag { return try checked(Setting(flag, origin: "--region")) { IdentityError(.usage, $0) } }
    if let variable = world.setting("AWS_REGION", "AWS_DEFAULT_REGION") {
        return try checked(variable) { IdentityError(.usage, $0) }
    }
    guard let profile, let setting = profile.setting("region"), !setting.value.isEmpty else { return nil }
    return try checked(setting) { profile.mistake("region", $0) }
}

/// A region becomes a part of a host's name, so nothing else may stand in it.
func checked(_ region: Setting, _ error: (String) -> IdentityError) throws -> Setting {
    guard isRegion(region.value) else {
        let comment = region.value.contains("#") ? "; a comment needs a line of its own" : ""
        let shown = region.value.count <= 63 ? "'\(region.value)' from \(region.origin)" : region.origin
        throw error("\(shown) is not the name of a region, such as eu-central-1\(comment)")
    }
    return region
}

package func isRegion(_ text: String) -> Bool {
    text.wholeMatch(of: /[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?/) != nil && text.contains(where: \.isLetter)
}

/// A value that decides something, and where it was found, in words for people.
package struct Setting: Sendable, Equatable {
    package var value: String
    package var origin: String

    package init(_ value: String, origin: String) {
        self.value = value
        self.origin = origin
    }
}

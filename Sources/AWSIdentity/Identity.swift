import AWSCore
import AWSServices

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

import AWSCore
import AWSServices
import FoundationEssentials

/// A role that is assumed with the credentials of another profile or place, with an MFA code where it asks for one.
struct AssumedRole: Sendable {
    private let role: String
    private let sessionName: String?
    private let externalID: String?
    private let mfaSerial: String?
    private let duration: Int?
    private let source: CredentialRoute
    private let origin: String
    private let chain: CredentialChain

    init(_ profile: Profile, source: CredentialRoute, _ chain: CredentialChain) throws {
        role = profile.entry("role_arn")?.value ?? ""
        sessionName = profile.entry("role_session_name")?.value
        externalID = profile.entry("external_id")?.value
        mfaSerial = profile.entry("mfa_serial")?.value
        duration = try profile.entry("duration_seconds").map { entry in
            guard let seconds = Int(entry.value), seconds > 0 else {
                throw profile.mistake("duration_seconds", "it must be a number of seconds, such as 3600")
            }
            return seconds
        }
        self.source = source
        self.chain = chain
        let place = profile.setting("role_arn")?.origin ?? profile.name
        origin = "role of \(place), assumed from \(source.origin)"
    }

    var route: CredentialRoute {
        let keeper = source.keeper(chain.world)
        return CredentialRoute(origin: origin) { refused in try await fetch(keeper, insteadOf: refused) }
    }

    private func fetch(_ source: CredentialKeeper, insteadOf refused: Credentials?) async throws -> Credentials {
        let cache = RoleCache(parameters, chain.world)
        if let cached = cache.load(origin: origin), cached.accessKeyID != refused?.accessKeyID { return cached }
        var call = STS.AssumeRole(roleArn: role, roleSessionName: sessionName ?? defaultSessionName(chain.world))
        call.durationSeconds = duration
        call.externalId = externalID
        if let mfaSerial {
            call.serialNumber = mfaSerial
            call.tokenCode = try await chain.world.askMFACode(mfaSerial)
        }
        let issued = try await chain.explaining(origin, hiding: call.tokenCode ?? "") {
            try await chain.client(with: source, hiding: call.tokenCode ?? "").call(call)
        }
        let credentials = issued.credentials(origin)
        cache.store(credentials)
        return credentials
    }

    /// What botocore makes the name of its cache file from; a session name that it makes up is not in it.
    private var parameters: [String: RoleCache.Parameter] {
        var parameters: [String: RoleCache.Parameter] = ["RoleArn": .text(role)]
        parameters["RoleSessionName"] = sessionName.map { .text($0) }
        parameters["ExternalId"] = externalID.map { .text($0) }
        parameters["SerialNumber"] = mfaSerial.map { .text($0) }
        parameters["DurationSeconds"] = duration.map { .number($0) }
        return parameters
    }
}

/// Names the session in CloudTrail where the user gives it no name.
func defaultSessionName(_ world: IdentityWorld) -> String {
    "dss-\(Int(world.time.now().timeIntervalSince1970))"
}

import AWSCore
import AWSServices

/// A role for a token that somebody else vouches for: a Kubernetes cluster, a GitHub workflow.
struct WebIdentity: Sendable {
    var role: String
    var sessionName: String?
    var origin: String
    /// `nil` where nothing is to be kept.
    var cache: IdentityWorld?
    /// Read anew for every call: such tokens live for minutes.
    var token: @Sendable () async throws -> String
    var chain: CredentialChain

    var route: CredentialRoute {
        CredentialRoute(origin: origin) { refused in
            let cache = cache.map { RoleCache(parameters, $0) }
            if let cached = cache?.load(origin: origin), cached.accessKeyID != refused?.accessKeyID { return cached }
            let token = try await token()
            let call = STS.AssumeRoleWithWebIdentity(
                roleArn: role, roleSessionName: sessionName ?? defaultSessionName(chain.world), webIdentityToken: token)
            let issued = try await chain.explaining(origin, hiding: token) {
                try await chain.client(with: AnonymousSource(), hiding: token).call(call)
            }
            let credentials = issued.credentials(origin)
            cache?.store(credentials)
            return credentials
        }
    }

    private var parameters: [String: RoleCache.Parameter] {
        var parameters: [String: RoleCache.Parameter] = ["RoleArn": .text(role)]
        parameters["RoleSessionName"] = sessionName.map { .text($0) }
        return parameters
    }
}

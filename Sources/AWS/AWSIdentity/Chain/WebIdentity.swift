import AWSCore
import AWSServices
import FoundationEssentials

/// A role assumed with a token from an external identity provider: a Kubernetes cluster, a GitHub workflow.
struct WebIdentity: Sendable {
    var role: String
    var sessionName: String?
    var origin: String
    /// The world that holds the role cache; `nil` to cache nothing.
    var cache: IdentityWorld?
    /// Reads the token. Called for every request, since such tokens expire within minutes.
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

/// The OIDC token that GitHub issues to a workflow with the permission `id-token: write`.
/// Source: <https://docs.github.com/en/actions/reference/security/oidc>
struct GitHubToken: Sendable {
    var url: String
    var bearer: String
    var world: IdentityWorld

    private struct Answer: Decodable { var value: String }

    @Sendable func fetch() async throws -> String {
        let call = MetadataRequest(
            name: "GitHub workflow", url: url + (url.contains("?") ? "&" : "?") + "audience=sts.amazonaws.com",
            headers: [.init("authorization", "bearer \(bearer)"), .init("accept", "application/json")],
            timeout: .seconds(10))
        let response = try await call.send(world)
        guard response.isSuccess else {
            throw IdentityError(
                .credentials, "GitHub issued no token for this workflow: HTTP status \(response.status)",
                advice: "grant the job 'permissions: id-token: write'")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body)) else {
            throw IdentityError(.credentials, "the response from GitHub has no token")
        }
        return answer.value
    }
}

import AWSCore
import FoundationEssentials

/// The identity that GitHub vouches for in a workflow that has the permission `id-token: write`.
/// Source: <https://docs.github.com/en/actions/reference/security/oidc>
struct GitHubToken: Sendable {
    var url: String
    var bearer: String
    var world: IdentityWorld

    private struct Answer: Decodable { var value: String }

    @Sendable func fetch() async throws -> String {
        let call = MetadataCall(
            name: "GitHub workflow", url: url + (url.contains("?") ? "&" : "?") + "audience=sts.amazonaws.com",
            headers: [.init("authorization", "bearer \(bearer)"), .init("accept", "application/json")],
            timeout: .seconds(10))
        let response = try await call.send(world)
        guard response.isSuccess else {
            throw IdentityError(
                .credentials, "GitHub gave no token for this workflow: HTTP status \(response.status)",
                advice: "the job needs 'permissions: id-token: write'")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body)) else {
            throw IdentityError(.credentials, "GitHub's answer has no token in it")
        }
        return answer.value
    }
}

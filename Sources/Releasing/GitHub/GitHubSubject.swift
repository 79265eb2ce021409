import AWSCore
import Sandbox

/// What a call is about, as messages name it, and what the token must be allowed for it.
struct GitHubSubject: Sendable, CustomStringConvertible {
    /// `release 7 of example/sandbox`.
    var description: String
    /// Such as `Contents: write`, as a fine-grained token's page names it.
    var permission: String

    func failure(_ response: HTTPResponse, _ token: GitHubToken) -> Failure {
        let complaint = GitHubComplaint(response)
        let details = complaint.mistakes.map(\.sentence)
        switch response.status {
        case 401:
            return Failure(
                .noPermission, "GitHub does not accept the token in \(token.origin): \(complaint.message)",
                advice: "it has expired or was revoked; export \(token.origin)=\"$(gh auth token)\"")
        case 403:
            return Failure(
                .noPermission, "the token in \(token.origin) may not do this to \(self): \(complaint.message)",
                details: details, advice: advice(response))
        case 404:
            return Failure(
                .badData, "GitHub has no \(self), or the token in \(token.origin) may not see it",
                details: scopes(response), advice: "check the number and the repository; \(advice(response))")
        case 400..<500:
            return Failure(
                .badData, "GitHub refuses \(self) with \(response.status): \(complaint.message)", details: details)
        case 500...:
            return Failure(
                .temporary, "GitHub failed with \(response.status) on \(self): \(complaint.message)",
                advice: "run the same command again later; https://www.githubstatus.com tells how GitHub is")
        default:
            return Failure(.unavailable, "GitHub answered with \(response.status) on \(self)")
        }
    }

    func failure(_ error: TransportError, attempts: Int, mayBeDone: Bool) -> Failure {
        let doubt = mayBeDone && error.kind != .notConnected ? ["it may have been done all the same"] : []
        return Failure(
            .unavailable, "GitHub cannot be asked about \(self): \(error.message) (attempt \(attempts))",
            details: doubt, advice: "check the network and the proxy, and run the same command again")
    }

    private func advice(_ response: HTTPResponse) -> String {
        // `required; url=https://github.com/orgs/…`
        if let place = response.header("x-github-sso")?.split(separator: "url=").dropFirst().first {
            return "authorize the token for the organization: \(place)"
        }
        let needed = response.header("x-accepted-github-permissions") ?? permission
        return "the token needs the permission \(needed), a classic one the scope repo; drafts show to nobody else"
    }

    /// What a classic token was made for; others have no such header.
    private func scopes(_ response: HTTPResponse) -> [String] {
        guard let scopes = response.header("x-oauth-scopes") else { return [] }
        return ["the token's scopes: \(scopes.isEmpty ? "none" : scopes)"]
    }
}

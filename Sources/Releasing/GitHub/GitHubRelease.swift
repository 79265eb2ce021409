import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// A release of a repository.
package struct GitHubRelease: Sendable, Equatable, Decodable {
    package var id: Int
    package var tag: String
    package var title: String?
    /// The notes, in Markdown.
    package var body: String?
    package var isDraft: Bool
    /// The URL of its web page.
    package var page: String
    /// The URL for uploading files, with `{?name,label}` at the end.
    package var uploadURL: String

    enum CodingKeys: String, CodingKey {
        case id, body
        case tag = "tag_name"
        case title = "name"
        case isDraft = "draft"
        case page = "html_url"
        case uploadURL = "upload_url"
    }
}

extension GitHubClient {
    package func release(_ id: Int) async throws -> GitHubRelease {
        try await get(request(.get, "releases/\(id)"), about: subject("release \(id)", "Contents: read"))
    }

    /// All releases that the token can read, newest first; drafts are included only if the token has write access.
    package func releases() async throws -> [GitHubRelease] {
        try await all(request(.get, "releases"), about: subject("releases", "Contents: read"))
    }

    /// Replaces the notes of a release, and changes nothing else.
    package func setBody(_ body: String, ofRelease id: Int) async throws -> GitHubRelease {
        var patch = request(.patch, "releases/\(id)")
        patch.body = try Array(JSONEncoder().encode(["body": body]))
        let subject = subject("release \(id)", "Contents: write")
        return try decode(try await send(patch, about: subject, isRepeatable: true), subject)
    }

    /// Creates a draft release, which is visible only to users with write access to the repository.
    ///
    /// GitHub accepts two drafts with the same name. If the response is lost, the request is therefore not sent again;
    /// instead, the draft is looked up.
    package func createDraft(tag: String, branch: String, title: String, body: String = "") async throws
        -> GitHubRelease
    {
        struct Draft: Encodable {
            var tag, branch, title, body: String
            var isDraft = true

            enum CodingKeys: String, CodingKey {
                case tag = "tag_name"
                case branch = "target_commitish"
                case title = "name"
                case body
                case isDraft = "draft"
            }
        }
        let known = Set(try await releases().map(\.id))
        var post = request(.post, "releases")
        post.body = try Array(
            JSONEncoder().encode(Draft(tag: tag, branch: branch, title: title, body: body)))
        let subject = subject("draft release '\(title)'", "Contents: write")
        do {
            return try decode(try await send(post, about: subject, isRepeatable: false), subject)
        } catch let failure as Failure where [.temporary, .unavailable].contains(failure.code) {
            let made = try? await releases().first {
                $0.isDraft && $0.title == title && $0.tag == tag && !known.contains($0.id)
            }
            guard let made else { throw failure }
            return made
        }
    }

    /// Deletes an unpublished release; one that no longer exists is not an error.
    package func delete(_ release: GitHubRelease) async throws {
        let subject = subject("release \(release.id)", "Contents: write")
        do {
            _ = try await send(request(.delete, "releases/\(release.id)"), about: subject, isRepeatable: true)
        } catch let failure as Failure where failure.code == .badData {
            guard try await !releases().contains(where: { $0.id == release.id }) else { throw failure }
        }
    }

    private func subject(_ what: String, _ permission: String) -> GitHubSubject {
        GitHubSubject(description: "\(what) of \(repository)", permission: permission)
    }
}

/// A GitHub repository: `OWNER/NAME`.
package struct GitHubRepository: Sendable, Hashable, CustomStringConvertible {
    package let owner: String
    package let name: String

    /// - Throws: `Failure` if the text does not have that form, because it becomes part of URL paths.
    package init(_ text: String) throws {
        guard let match = text.wholeMatch(of: /([A-Za-z0-9][A-Za-z0-9_-]{0,38})\/([A-Za-z0-9._-]{1,100})/),
            ![".", ".."].contains(match.2)
        else {
            throw Failure(
                .usage, "'\(text)' is not a GitHub repository", advice: "use OWNER/NAME, for example example/sandbox")
        }
        owner = String(match.1)
        name = String(match.2)
    }

    package var description: String { "\(owner)/\(name)" }
}

/// The subject of an API call: its name in messages, and the permission that the token needs.
struct GitHubSubject: Sendable, CustomStringConvertible {
    /// The name, such as `release 7 of example/sandbox`.
    var description: String
    /// The permission in the notation for fine-grained tokens, such as `Contents: write`.
    var permission: String

    func failure(_ response: HTTPResponse, _ token: GitHubToken) -> Failure {
        let complaint = GitHubErrorResponse(response)
        let details = complaint.mistakes.map(\.sentence)
        switch response.status {
        case 401:
            return Failure(
                .noPermission, "GitHub rejected the token in \(token.origin): \(complaint.message)",
                advice: "the token may have expired or been revoked; run: export \(token.origin)=\"$(gh auth token)\"")
        case 403:
            return Failure(
                .noPermission, "the token in \(token.origin) lacks permission for \(self): \(complaint.message)",
                details: details, advice: advice(response))
        case 404:
            return Failure(
                .badData, "\(self) not found, or the token in \(token.origin) has no access to it",
                details: scopes(response), advice: "check the release id and the repository; \(advice(response))")
        case 400..<500:
            return Failure(
                .badData, "GitHub rejected the request for \(self) (status \(response.status)): \(complaint.message)",
                details: details)
        case 500...:
            return Failure(
                .temporary,
                "GitHub failed to process the request for \(self) (status \(response.status)): \(complaint.message)",
                advice: "run the same command again later; see https://www.githubstatus.com for the status of GitHub")
        default:
            return Failure(.unavailable, "unexpected status \(response.status) from GitHub for \(self)")
        }
    }

    func failure(_ error: TransportError, attempts: Int, mayBeDone: Bool) -> Failure {
        let notes = mayBeDone && error.kind != .notConnected ? ["GitHub may have processed the request anyway"] : []
        return Failure(
            .unavailable, "cannot reach GitHub for \(self): \(error.message) (attempt \(attempts))",
            details: notes, advice: "check the network and the proxy, and run the same command again")
    }

    private func advice(_ response: HTTPResponse) -> String {
        // `required; url=https://github.com/orgs/…`
        if let place = response.header("x-github-sso")?.split(separator: "url=").dropFirst().first {
            return "authorize the token for the organization: \(place)"
        }
        let needed = response.header("x-accepted-github-permissions") ?? permission
        return
            "the token needs the permission \(needed), or the scope repo if it is a classic token, also to see drafts"
    }

    /// The scopes of a classic token; responses to other tokens do not have this header.
    private func scopes(_ response: HTTPResponse) -> [String] {
        guard let scopes = response.header("x-oauth-scopes") else { return [] }
        return ["the token's scopes: \(scopes.isEmpty ? "none" : scopes)"]
    }
}

/// A GitHub token and its origin. Its value is redacted when printed.
package struct GitHubToken: Sendable, Redacted {
    let value: String
    /// The environment variable that contained the token, for messages.
    package let origin: String

    /// The environment variables, in the precedence of the GitHub CLI. Child processes do not inherit them.
    package static let variables = ["GH_TOKEN", "GITHUB_TOKEN"]

    /// - Throws: `Failure` if there is no token.
    package init(in environment: [String: String]) throws {
        let found = Self.variables.lazy.compactMap { name in
            environment[name].flatMap { $0.isEmpty ? nil : (name, $0) }
        }.first
        guard let (name, text) = found else {
            throw Failure(
                .noPermission, "no GitHub token in GH_TOKEN or GITHUB_TOKEN",
                advice: "run: export GH_TOKEN=\"$(gh auth token)\"")
        }
        // The token becomes part of a header, in which a line break would start another header.
        value = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        guard value.utf8.allSatisfy({ (33...126).contains($0) }), !value.isEmpty else {
            throw Failure(.usage, "\(name) is not a valid token: it contains spaces or other invalid characters")
        }
        origin = name
    }

    package var shown: KeyValuePairs<String, Any> { ["origin": origin] }
}

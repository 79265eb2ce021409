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
    /// Where people see it.
    package var page: String
    /// Where files are added to it, with `{?name,label}` at the end.
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

    /// All that the token may see, newest first; drafts only where it may write.
    package func releases() async throws -> [GitHubRelease] {
        try await all(request(.get, "releases"), about: subject("releases", "Contents: read"))
    }

    /// Replaces the notes of a release; nothing else of it changes.
    package func setBody(_ body: String, ofRelease id: Int) async throws -> GitHubRelease {
        var patch = request(.patch, "releases/\(id)")
        patch.body = try Array(JSONEncoder().encode(["body": body]))
        let subject = subject("release \(id)", "Contents: write")
        return try decode(try await send(patch, about: subject, isRepeatable: true), subject)
    }

    /// Makes a release that only those see who may write to the repository.
    ///
    /// GitHub takes two drafts of one name, so that a call whose answer was lost is looked up, not sent again.
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

    /// Takes back a release that nobody has seen yet; one that is gone already is as good.
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

/// `OWNER/NAME` of a repository on GitHub.
package struct GitHubRepository: Sendable, Hashable, CustomStringConvertible {
    package let owner: String
    package let name: String

    /// - Throws: `Failure` where it is not of that form: it becomes a part of paths.
    package init(_ text: String) throws {
        guard let match = text.wholeMatch(of: /([A-Za-z0-9][A-Za-z0-9_-]{0,38})\/([A-Za-z0-9._-]{1,100})/),
            ![".", ".."].contains(match.2)
        else {
            throw Failure(
                .usage, "'\(text)' is not a repository on GitHub", advice: "write OWNER/NAME, such as example/sandbox")
        }
        owner = String(match.1)
        name = String(match.2)
    }

    package var description: String { "\(owner)/\(name)" }
}

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

/// A token for GitHub, and where it was found; printed, it does not show itself.
package struct GitHubToken: Sendable, Discreet {
    let value: String
    /// The environment variable, for messages.
    package let origin: String

    /// In the order in which GitHub's own command line looks at them. Children of this process do not inherit them.
    package static let variables = ["GH_TOKEN", "GITHUB_TOKEN"]

    /// - Throws: `Failure` where there is none.
    package init(in environment: [String: String]) throws {
        let found = Self.variables.lazy.compactMap { name in
            environment[name].flatMap { $0.isEmpty ? nil : (name, $0) }
        }.first
        guard let (name, text) = found else {
            throw Failure(
                .noPermission, "there is no token for GitHub in GH_TOKEN or GITHUB_TOKEN",
                advice: "export GH_TOKEN=\"$(gh auth token)\"")
        }
        // It becomes a header: a line break in it would begin another.
        value = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        guard value.utf8.allSatisfy({ (33...126).contains($0) }), !value.isEmpty else {
            throw Failure(.usage, "\(name) is not a token: it has blanks or other odd characters in it")
        }
        origin = name
    }

    package var shown: KeyValuePairs<String, Any> { ["origin": origin] }
}

import AWSCore
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

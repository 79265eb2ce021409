import Sandbox

/// Where files are added to a release, as GitHub's API and its workflows tell it; whose release it is stands in it.
///
/// `https://uploads.github.com/repos/OWNER/NAME/releases/ID/assets{?name,label}`; an Enterprise server has
/// `/api/uploads` before `/repos`.
package struct UploadURL: Sendable, Equatable {
    package let repository: GitHubRepository
    package let releaseID: Int

    /// - Throws: `Failure` where it is none.
    package init(_ text: String) throws {
        let form =
            /https:\/\/[^\/\s]+(?:\/api\/uploads)?\/repos\/([^\/\s]+\/[^\/\s]+)\/releases\/([0-9]{1,18})\/assets(?:[?{].*)?/
        guard let match = text.wholeMatch(of: form), let id = Int(match.2), id > 0,
            let repository = try? GitHubRepository(String(match.1))
        else {
            throw Failure(
                .usage, "'\(text)' is not the upload URL of a release",
                advice: "take upload_url as GitHub tells it: gh api repos/OWNER/NAME/releases/tags/TAG --jq .upload_url"
            )
        }
        self.repository = repository
        releaseID = id
    }

    /// A build writes into the release of the repository that the definition names, and into no other.
    package func check(isOf own: GitHubRepository) throws {
        guard repository.description.lowercased() != own.description.lowercased() else { return }
        throw Failure(
            .usage, "the upload URL is of a release of \(repository), and the definition's repository is \(own)",
            advice: "take the URL of a release of \(own), or add --set github.repository=\(repository)")
    }
}

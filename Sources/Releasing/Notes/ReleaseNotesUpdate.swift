import Sandbox

/// Writes this program's part of the notes of a release that exists on GitHub.
package struct ReleaseNotesUpdate: Sendable {
    private let client: GitHubClient
    private let id: Int

    package init(_ client: GitHubClient, release id: Int) {
        self.client = client
        self.id = id
    }

    package struct Outcome: Sendable, Equatable {
        package var release: GitHubRelease
        /// False where the notes said it all before.
        package var isChanged: Bool
    }

    package func run(_ notes: ReleaseNotes) async throws -> Outcome {
        let release = try await client.release(id)
        let body = try NotesBody(release.body ?? "", of: "release \(id) of \(client.repository)")
        guard let new = try body.with(notes.markdown) else { return Outcome(release: release, isChanged: false) }
        return Outcome(release: try await client.setBody(new, ofRelease: id), isChanged: true)
    }

    /// The notes as they would be, without writing them; `nil` where they say it all already.
    package func preview(_ notes: ReleaseNotes) async throws -> String? {
        let body = try await client.release(id).body ?? ""
        return try NotesBody(body, of: "release \(id) of \(client.repository)").with(notes.markdown)
    }
}

import Reporting
import Sandbox

/// The part of a release's notes that this program writes, in Markdown.
package struct ReleaseNotes: Sendable {
    package var release: PublishedRelease
    /// The section of the changelog, without its heading.
    package var changes: String
    /// `NAME:TAG` of the container image; `nil` where there is none.
    package var containerImage: String?

    package init(_ release: PublishedRelease, changes: String, containerImage: String?) {
        self.release = release
        self.changes = changes
        self.containerImage = containerImage
    }

    package var markdown: String {
        let start = StartGuide(release)
        let sections: [(String, [String])] = [
            ("Changes", [changes.isEmpty ? "" : Self.harmless(changes)]), ("Downloads", downloads),
            ("Amazon machine images", images), ("Docker", docker),
            ("How to start it", start.places.isEmpty ? [] : [StartGuide.first(release)] + start.places.map(Self.place)),
            ("What it lacks", missing),
        ]
        return sections.map { title, parts in (title, parts.filter { !$0.isEmpty }) }.filter { !$1.isEmpty }
            .map { (["## \($0)"] + $1).joined(separator: "\n\n") }.joined(separator: "\n\n")
    }

    private var downloads: [String] {
        guard !release.files.isEmpty else { return [] }
        let rows = release.files.map { file in
            let digest = file.sha256.map { "`\($0)`" } ?? "not known"
            return
                "| [\(Self.cell(file.name))](\(file.url)) | \(file.format.purpose) | \(Units.size(file.bytes)) | \(digest) |"
        }
        let table = (["| File | For | Size | SHA-256 |", "|---|---|---:|---|"] + rows).joined(separator: "\n")
        let check = release.checksumsURL.map {
            "All sums are in [SHA256SUMS](\($0)): `sha256sum --check --ignore-missing SHA256SUMS`. "
                + "`dss download \(Self.word(release.assetID.rawValue))` fetches and checks a file."
        }
        return [table, check ?? ""]
    }

    private var images: [String] {
        guard !release.images.isEmpty else { return [] }
        let rows = release.images.map { image in
            "| \(image.region) | `\(image.id)` | \(Self.cell(image.name))\(image.isPublic ? "" : " (private)") |"
        }
        return [(["| Region | AMI | Name |", "|---|---|---|"] + rows).joined(separator: "\n")]
    }

    private var docker: [String] {
        guard let containerImage else { return [] }
        return ["```\ndocker pull \(containerImage)\n```"]
    }

    private var missing: [String] {
        guard !release.missing.isEmpty else { return [] }
        return [release.missing.map { "- \($0.component): \($0.reason)" }.joined(separator: "\n")]
    }

    private static func place(_ place: StartGuide.Place) -> String {
        "### \(place.title)\n\n"
            + place.steps.map { step in
                switch step {
                case .text(let text): text
                case .command(let line): "```\n\(line)\n```"
                }
            }.joined(separator: "\n\n")
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

    private static func word(_ text: String) -> String { text.contains(" ") ? "'\(text)'" : text }

    /// Text from a file may not end the part that belongs to this program.
    private static func harmless(_ text: String) -> String { text.replacing("<!-- dss:", with: "&lt;!-- dss:") }
}

/// The notes of a release as people and this program write them together: its part is between markers, all else is
/// left alone.
struct NotesBody {
    static let begin = "<!-- dss:begin -->"
    static let end = "<!-- dss:end -->"
    /// Characters. Source: GitHub's API refuses longer ones with 422.
    static let limit = 125_000

    private let before: String
    private let own: String?
    private let after: String

    /// - Throws: `Failure` where the markers are not one pair: nobody knows then what may be replaced.
    init(_ body: String, of release: String) throws {
        let begins = body.ranges(of: Self.begin)
        let ends = body.ranges(of: Self.end)
        switch (begins.count, ends.count) {
        case (0, 0): (before, own, after) = (body, nil, "")
        case (1, 1) where begins[0].upperBound <= ends[0].lowerBound:
            before = String(body[..<begins[0].lowerBound])
            own = String(body[begins[0].upperBound..<ends[0].lowerBound])
            after = String(body[ends[0].upperBound...])
        default:
            throw Failure(
                .badData,
                "the notes of \(release) have \(begins.count) × \(Self.begin) and \(ends.count) × \(Self.end), or in the "
                    + "wrong order",
                advice: "edit the release: leave one of each, or none")
        }
    }

    /// - Returns: `nil` where they say it already. Line ends do not matter: GitHub's own editor writes others.
    func with(_ part: String) throws -> String? {
        let part = "\n" + part + "\n"
        if let own, own.replacing("\r\n", with: "\n") == part { return nil }
        var head = before
        if own == nil, !head.isEmpty { head += head.hasSuffix("\n\n") ? "" : head.hasSuffix("\n") ? "\n" : "\n\n" }
        let body = head + Self.begin + part + Self.end + after
        guard body.unicodeScalars.count <= Self.limit else {
            throw Failure(
                .badData, "the notes would have \(body.unicodeScalars.count) characters, GitHub takes \(Self.limit)",
                advice: "shorten the section of the changelog")
        }
        return body
    }
}

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

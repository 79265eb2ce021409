import Reporting
import Sandbox

/// The generated part of the release notes, in Markdown.
package struct ReleaseNotes: Sendable {
    package var release: PublishedRelease
    /// The changelog section, without its heading.
    package var changes: String
    /// `NAME:TAG` of the container image; `nil` if there is none.
    package var containerImage: String?

    package init(_ release: PublishedRelease, changes: String, containerImage: String?) {
        self.release = release
        self.changes = changes
        self.containerImage = containerImage
    }

    /// The notes with the changes from the changelog in the directory of the definition.
    /// - Throws: `Failure` if the changelog has no section for the version.
    package init(_ release: PublishedRelease, changelogIn folder: String, containerImage: String?) throws {
        let changelog = try Changelog.read(for: release.version, in: folder)
        guard let changes = changelog.section(release.version) else {
            throw Failure(
                .badData, "\(changelog.path) has no section for \(release.version)", advice: "dss release check")
        }
        self.init(release, changes: changes.text, containerImage: containerImage)
    }

    package var markdown: String {
        let start = StartGuide(release)
        let sections: [(String, [String])] = [
            ("Changes", [changes.isEmpty ? "" : Self.harmless(changes)]), ("Downloads", downloads),
            ("Amazon Machine Images", images), ("Docker", docker),
            (
                "How to start",
                start.places.isEmpty ? [] : [StartGuide.first(release), details] + start.places.map(Self.place)
            ),
            ("Missing components", missing),
        ]
        return sections.map { title, parts in (title, parts.filter { !$0.isEmpty }) }.filter { !$1.isEmpty }
            .map { (["## \($0)"] + $1).joined(separator: "\n\n") }.joined(separator: "\n\n")
    }

    private var downloads: [String] {
        guard !release.files.isEmpty else { return [] }
        let rows = release.files.map { file in
            let digest = file.sha256.map { "`\($0)`" } ?? "not available"
            return
                "| [\(Self.cell(file.name))](\(file.url)) | \(file.format.purpose) | \(Units.size(file.bytes)) | \(digest) |"
        }
        let table = (["| File | For | Size | SHA-256 |", "|---|---|---:|---|"] + rows).joined(separator: "\n")
        let check = release.checksumsURL.map {
            "All checksums are in [SHA256SUMS](\($0)): `sha256sum --check --ignore-missing SHA256SUMS`. "
                + "`dss download \(Self.word(release.assetID.rawValue)) --format \(release.files[0].format.rawValue)` "
                + "downloads and verifies a file."
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

    private var details: String {
        release.startURL.map {
            "[\(StartInstructions.fileName)](\($0)) has detailed steps: port forwarding, the first login, the default "
                + "password, and enlarging the disk."
        } ?? ""
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

    /// Escapes markers in text from a file, so that it cannot end the generated part.
    private static func harmless(_ text: String) -> String { text.replacing("<!-- dss:", with: "&lt;!-- dss:") }
}

/// The notes of a release, which users and this program edit together: the program replaces only the part between its
/// markers.
struct NotesBody {
    static let begin = "<!-- dss:begin -->"
    static let end = "<!-- dss:end -->"
    /// The maximum length in characters. Source: the GitHub API rejects longer notes with status 422.
    static let limit = 125_000

    private let before: String
    private let own: String?
    private let after: String

    /// - Throws: `Failure` if the markers are not exactly one pair, because it is then unclear what to replace.
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
                "the markers in the notes of \(release) do not match: found \(begins.count) × \(Self.begin) and "
                    + "\(ends.count) × \(Self.end)",
                advice: "edit the release notes to contain one of each, in that order, or none")
        }
    }

    /// The notes with `part` between the markers.
    /// - Returns: `nil` if the notes already contain it. Line endings are ignored: GitHub's editor changes them.
    func with(_ part: String) throws -> String? {
        let part = "\n" + part + "\n"
        if let own, own.replacing("\r\n", with: "\n") == part { return nil }
        var head = before
        if own == nil, !head.isEmpty { head += head.hasSuffix("\n\n") ? "" : head.hasSuffix("\n") ? "\n" : "\n\n" }
        let body = head + Self.begin + part + Self.end + after
        guard body.unicodeScalars.count <= Self.limit else {
            throw Failure(
                .badData,
                "the release notes would have \(body.unicodeScalars.count) characters, but GitHub allows \(Self.limit)",
                advice: "shorten the changelog section")
        }
        return body
    }
}

/// Updates the generated part of the notes of an existing GitHub release.
package struct ReleaseNotesUpdate: Sendable {
    private let client: GitHubClient
    private let id: Int

    package init(_ client: GitHubClient, release id: Int) {
        self.client = client
        self.id = id
    }

    package struct Outcome: Sendable, Equatable {
        package var release: GitHubRelease
        /// `false` if the notes were already up to date.
        package var isChanged: Bool
    }

    package func run(_ notes: ReleaseNotes) async throws -> Outcome {
        let release = try await client.release(id)
        let body = try NotesBody(release.body ?? "", of: "release \(id) of \(client.repository)")
        guard let new = try body.with(notes.markdown) else { return Outcome(release: release, isChanged: false) }
        return Outcome(release: try await client.setBody(new, ofRelease: id), isChanged: true)
    }

    /// The updated notes without writing them; `nil` if they are already up to date.
    package func preview(_ notes: ReleaseNotes) async throws -> String? {
        let body = try await client.release(id).body ?? ""
        return try NotesBody(body, of: "release \(id) of \(client.repository)").with(notes.markdown)
    }
}

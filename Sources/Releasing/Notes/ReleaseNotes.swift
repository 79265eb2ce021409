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

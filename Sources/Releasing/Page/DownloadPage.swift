import Mustache
import Reporting
import Sandbox

/// The page that people download from: one document that needs nothing else, no script and no other server.
package struct DownloadPage: Sendable {
    package static let fileName = "index.html"

    private let model: Model

    /// - Parameter releases: newest first.
    package init(_ releases: [PublishedRelease], title: String = "Data-science sandbox") {
        model = Model(
            title: title, hasReleases: !releases.isEmpty,
            releases: releases.enumerated().map { Release($0.element, isNewest: $0.offset == 0) })
    }

    /// Everything that comes from data is escaped by the template's engine.
    package var html: String {
        get throws {
            try MustacheTemplate(string: String(decoding: PackageResources.index_mustache, as: UTF8.self)).render(model)
        }
    }

    // What the template names; it finds these by their names.

    private struct Model {
        var title: String
        var hasReleases: Bool
        var releases: [Release]
    }

    private struct Release {
        var anchor, heading, facts, day, first: String
        var isNewest, hasFiles, hasImages: Bool
        var checksums: String?
        var missing: [MissingComponent]
        var files: [File]
        var images: [PublishedRelease.Image]
        var places: [Place]

        init(_ release: PublishedRelease, isNewest: Bool) {
            let id = release.assetID
            anchor = "release-\(id.dashed)"
            heading = id.rawValue == release.version ? "Version \(id)" : "Version \(release.version) (\(id))"
            facts = "\(release.system), \(release.architecture.rawValue), disk of \(release.diskMiB / 1024) GiB"
            day = release.day
            first = StartGuide.first(release)
            self.isNewest = isNewest
            hasFiles = !release.files.isEmpty
            hasImages = !release.images.isEmpty
            checksums = release.checksumsURL
            missing = release.missing
            files = release.files.map(File.init)
            images = release.images
            places = StartGuide(release).places.map(Place.init)
        }
    }

    private struct File {
        var name, url, purpose, size, bytes: String
        var sha256: String?

        init(_ file: PublishedRelease.File) {
            name = file.name
            url = file.url
            purpose = file.format.purpose
            size = Units.size(file.bytes)
            bytes = "\(file.bytes)"
            sha256 = file.sha256
        }
    }

    private struct Place {
        var title: String
        var steps: [Step]

        init(_ place: StartGuide.Place) {
            title = place.title
            steps = place.steps.map(Step.init)
        }
    }

    private struct Step {
        var text: String?
        var command: String?

        init(_ step: StartGuide.Step) {
            switch step {
            case .text(let text): self.text = text
            case .command(let command): self.command = command
            }
        }
    }
}

import FoundationEssentials
import Sandbox

/// What is there of one build for everybody to use: what release notes and the download page show.
package struct PublishedRelease: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package var name: String
        package var format: ImageFormat
        package var url: String
        package var bytes: Int64
        /// Lower-case hexadecimal; `nil` where only S3 has seen all of it.
        package var sha256: String?

        package init(name: String, format: ImageFormat, url: String, bytes: Int64, sha256: String?) {
            self.name = name
            self.format = format
            self.url = url
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// An AMI of one region.
    package struct Image: Sendable, Equatable {
        package var region: String
        package var id: String
        package var name: String
        /// Whether everybody may start machines from it.
        package var isPublic: Bool

        package init(region: String, id: String, name: String, isPublic: Bool) {
            self.region = region
            self.id = id
            self.name = name
            self.isPublic = isPublic
        }
    }

    package var assetID: AssetID
    package var name: String
    package var version: String
    package var built: Date
    /// `Debian bookworm`.
    package var system: String
    package var architecture: Architecture
    package var user: String
    package var jupyterPort: Int
    package var diskMiB: Int
    package var missing: [MissingComponent]
    package var files: [File]
    /// By region.
    package var images: [Image]

    /// - Parameters:
    ///   - images: the AMIs that EC2 knows of it.
    ///   - url: where people download a file of that name.
    package init(_ manifest: Manifest, images: [Image], url: (_ name: String) -> String) {
        assetID = manifest.assetID
        name = manifest.name
        version = manifest.version
        built = manifest.built
        system = manifest.distribution.prefix(1).uppercased() + manifest.distribution.dropFirst() + " " + manifest.suite
        architecture = manifest.architecture
        user = manifest.user
        jupyterPort = manifest.jupyterPort
        diskMiB = manifest.diskMiB
        missing = manifest.missing
        files = manifest.files.map {
            File(name: $0.name, format: $0.format, url: url($0.name), bytes: $0.bytes, sha256: $0.sha256)
        }
        self.images = images.sorted { ($0.region, $0.id) < ($1.region, $1.id) }
    }

    /// The day of the build, in UTC: `2026-11-24`.
    package var day: String { built.formatted(.iso8601.year().month().day()) }

    /// Where the sums of all files lie, beside them.
    package var checksumsURL: String? {
        files.first { $0.sha256 != nil }.map {
            $0.url.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
                + "/\(Manifest.checksumsFileName)"
        }
    }

    func file(_ formats: ImageFormat...) -> File? {
        formats.lazy.compactMap { format in files.first { $0.format == format } }.first
    }
}

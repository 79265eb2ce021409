import FoundationEssentials
import Reporting
import Sandbox

/// `releases.json`: what the page says, for programs. Nothing in it depends on when it was written.
package enum ReleasesDocument {
    package static let fileName = "releases.json"

    /// - Parameter base: put before the page's own addresses, with a slash at the end.
    package static func json(_ releases: [PublishedRelease], base: String) -> String {
        JSONValue.object([("releases", .array(releases.map { value($0, base) }))]).pretty + "\n"
    }

    private static func value(_ release: PublishedRelease, _ base: String) -> JSONValue {
        .object([
            ("asset_id", .string(release.assetID.rawValue)), ("name", .string(release.name)),
            ("version", .string(release.version)), ("built", .string(release.built.formatted(.iso8601))),
            ("system", .string(release.system)), ("architecture", .string(release.architecture.rawValue)),
            ("user", .string(release.user)), ("jupyter_port", .count(release.jupyterPort)),
            ("disk_mib", .count(release.diskMiB)),
            (
                "missing",
                .array(
                    release.missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            ("files", .array(release.files.map { file($0, base) })), ("images", .array(release.images.map(image))),
        ])
    }

    private static func file(_ file: PublishedRelease.File, _ base: String) -> JSONValue {
        .object([
            ("name", .string(file.name)), ("format", .string(file.format.rawValue)), ("url", .string(base + file.url)),
            ("bytes", .integer(file.bytes)), ("sha256", .text(file.sha256)),
        ])
    }

    private static func image(_ image: PublishedRelease.Image) -> JSONValue {
        .object([
            ("region", .string(image.region)), ("id", .string(image.id)), ("name", .string(image.name)),
            ("public", .bool(image.isPublic)),
        ])
    }
}

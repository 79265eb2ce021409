import AWSCore
import Reporting
import Sandbox
import Workbench

/// Where the download page and `releases.json` are written.
package enum IndexDestination: Sendable {
    /// Nowhere: a dry run.
    case nowhere
    /// A local directory.
    case folder(String)
    /// The root of the bucket.
    case bucket(IndexPublication)
}

/// The download page as it was published.
package struct PublishedIndex: Sendable {
    package var releases: [PublishedRelease]
    /// The keys or paths that were written; empty if nothing has changed.
    package var written: [String]
}

/// Writes the download page and `releases.json` with all builds.
/// - Parameter tell: Called before a long wait.
package func publishIndex(
    of builds: PublishedBuilds, titled title: String, to destination: IndexDestination,
    warn: (String) -> Void, tell: (String) -> Void
) async throws -> PublishedIndex {
    let releases = try await builds.releases(warn: warn)
    let items: [IndexPublication.Item] = [
        .init(
            ReleasesDocument.fileName, "application/json", ReleasesDocument.json(releases, base: builds.address)),
        .init(DownloadPage.fileName, "text/html; charset=utf-8", try DownloadPage(releases, title: title).html),
    ]
    switch destination {
    case .nowhere: return PublishedIndex(releases: releases, written: [])
    case .bucket(let publication):
        return PublishedIndex(releases: releases, written: try await publication.run(items, tell: tell))
    case .folder(let folder):
        try makeDirectory(folder)
        for item in items { try writeAtomically(item.text, to: "\(folder)/\(item.key)") }
        return PublishedIndex(releases: releases, written: items.map { "\(folder)/\($0.key)" })
    }
}

/// The published builds of an account: files from the bucket, AMIs from EC2.
package struct PublishedBuilds: Sendable {
    /// The base URL of downloads, with a trailing slash.
    package let address: String
    private let catalog: ReleaseCatalog
    private let images: @Sendable () async throws -> [String: [PublishedRelease.Image]]

    /// - Parameter images: Lists the available AMIs by asset id.
    package init(
        _ catalog: ReleaseCatalog, address: String,
        images: @escaping @Sendable () async throws -> [String: [PublishedRelease.Image]]
    ) {
        self.address = address
        self.catalog = catalog
        self.images = images
    }

    /// All builds, newest first, with URLs relative to the distribution.
    /// - Parameter warn: Called for each object in the bucket that is skipped.
    package func releases(warn: (String) -> Void) async throws -> [PublishedRelease] {
        async let listed = images()
        let contents = try await catalog.read()
        contents.troubles.forEach(warn)
        let known = try await listed
        return contents.manifests.map { release($0, known, base: "") }
    }

    /// One build, with absolute URLs, and its Docker image.
    /// - Throws: `Failure` if the build is not finished.
    package func release(of assetID: AssetID) async throws -> (PublishedRelease, Manifest.Container?) {
        let manifest = try await catalog.manifest(of: assetID)
        return (release(manifest, try await images(), base: address), manifest.container)
    }

    private func release(
        _ manifest: Manifest, _ images: [String: [PublishedRelease.Image]], base: String
    ) -> PublishedRelease {
        let id = manifest.assetID
        // An AMI that is identified only by its name may have dashes where the id has dots.
        let found = images[id.rawValue] ?? images[id.dashed] ?? []
        return PublishedRelease(manifest, images: found) {
            base + percentEncoded(catalog.key(id, $0), keepsSlash: true)
        }
    }
}

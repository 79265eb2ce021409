import AWSCore
import AWSProvider
import ArgumentParser
import Definition
import Releasing
import Reporting
import Sandbox
import Workbench

/// `dss publish-index`
struct PublishIndex: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish-index",
        abstract: "Publish the download page and releases.json",
        discussion: """
            Reads the manifests in the S3 bucket and the AMIs in EC2, writes index.html and releases.json to the root \
            of the bucket, and invalidates them in CloudFront. Writes nothing if nothing has changed.

            Examples:
              dss publish-index --aws-profile release
              dss publish-index --region eu-central-1 us-east-1
              dss publish-index --output page && xdg-open page/index.html
              dss publish-index --dry-run
            """)

    @Flag(name: .customLong("dry-run"), help: "Show which releases the page would list, without writing it")
    var dryRun = false

    @Option(
        help: ArgumentHelp("Write both files to a local directory instead", valueName: "folder"),
        completion: .directory)
    var output: String?

    @Option(help: ArgumentHelp("Heading of the page", valueName: "text"))
    var title = "Data-science sandbox"

    @Flag(help: "Print JSON")
    var json = false

    @OptionGroup var options: AWSAssetOptions

    func run(in live: Live) async throws {
        let sheet = try await live.withShelf(options) { desk in
            let releases = try await releases(desk, live)
            let items = try items(releases, desk.front)
            let written = try await write(items, live, desk)
            return facts(releases, written, desk.front)
        }
        live.show(sheet, json: json)
    }

    private func releases(_ desk: PublishedBuilds, _ live: Live) async throws -> [PublishedRelease] {
        async let images = desk.images()
        let contents = try await desk.shelf.read()
        contents.troubles.forEach(live.warn)
        let known = try await images
        return contents.manifests.map { desk.release($0, known, base: "") }
    }

    private func items(
        _ releases: [PublishedRelease], _ front: ImageBucket.Front
    ) throws -> [IndexPublication.Item] {
        [
            .init(
                ReleasesDocument.fileName, "application/json", ReleasesDocument.json(releases, base: front.address)),
            .init(DownloadPage.fileName, "text/html; charset=utf-8", try DownloadPage(releases, title: title).html),
        ]
    }

    /// - Returns: The names of the files that were written.
    private func write(_ items: [IndexPublication.Item], _ live: Live, _ desk: PublishedBuilds) async throws -> [String]
    {
        if dryRun { return [] }
        guard let output else {
            let publication = IndexPublication(
                desk.search.client, bucket: desk.front.bucket, distributionID: desk.front.distributionID,
                polling: try live.polling())
            return try await publication.run(items) { live.standardError.write("\($0)\n") }
        }
        let folder = live.absolute(output)
        try makeDirectory(folder)
        for item in items { try writeAtomically(item.text, to: "\(folder)/\(item.key)") }
        return items.map { "\(folder)/\($0.key)" }
    }

    private func facts(
        _ releases: [PublishedRelease], _ written: [String], _ front: ImageBucket.Front
    ) -> FactSheet {
        let ids = releases.map(\.assetID.rawValue)
        let nothing = dryRun ? "nothing (--dry-run)" : "nothing: already up to date"
        return FactSheet([
            .init("page", key: "url", front.address),
            .init("releases", ids.isEmpty ? "none" : ids.joined(separator: ", "), .array(ids.map { .string($0) })),
            .init(
                "written", written.isEmpty ? nothing : written.joined(separator: ", "),
                .array(written.map { .string($0) })),
        ])
    }
}

import AWSCore
import AWSProvider
import ArgumentParser
import Releasing
import Reporting
import Sandbox

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

    @Flag(help: .json)
    var json = false

    @OptionGroup var options: AWSAssetOptions

    func run(in live: Live) async throws {
        let sheet = try await live.withPublishedBuilds(options) { builds, store in
            let index = try await publishIndex(
                of: builds, titled: title, to: try destination(store, live), warn: live.warn
            ) { live.standardError.write("\($0)\n") }
            return facts(index, builds.address)
        }
        live.show(sheet, json: json)
    }

    private func destination(_ store: S3ArtifactStore, _ live: Live) throws -> IndexDestination {
        if dryRun { return .nowhere }
        if let output { return .folder(live.absolute(output)) }
        return .bucket(
            IndexPublication(
                store.client, bucket: store.bucket.name, distributionID: store.bucket.distributionID ?? "",
                polling: try live.polling()))
    }

    private func facts(_ index: PublishedIndex, _ address: String) -> FactSheet {
        let ids = index.releases.map(\.assetID.rawValue)
        let nothing = dryRun ? "nothing (--dry-run)" : "nothing: already up to date"
        return FactSheet([
            .init("page", key: "url", address),
            .init("releases", ids.isEmpty ? "none" : ids.joined(separator: ", "), .array(ids.map { .string($0) })),
            .init(
                "written", index.written.isEmpty ? nothing : index.written.joined(separator: ", "),
                .array(index.written.map { .string($0) })),
        ])
    }
}

import ArgumentParser
import Definition
import Releasing
import Reporting
import Sandbox

/// `dss download`
struct Download: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Download an image of a release and verify its checksum",
        discussion: """
            Downloads over HTTPS in parallel parts, resumes interrupted downloads, and verifies the SHA-256 at the \
            end. Does not need an AWS account if --url is given.

            Examples:
              dss download 0.1.0 --format vmdk --url https://d111111abcdef8.cloudfront.net
              DSS_DOWNLOAD_URL=https://images.example.com dss download 0.1.0 \\
                  --format ova --output sandbox.ova
              dss download 0.1.0 --format vhd --aws-profile release
            """)

    @Argument(help: ArgumentHelp("Asset id of the release", valueName: "id"))
    var assetID: String

    @Option(help: "Image format")
    var format: ImageFormat

    @Option(
        help: ArgumentHelp(
            "Base URL of the images (default: the account's CloudFront distribution) [env: DSS_DOWNLOAD_URL]",
            valueName: "address"))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "Output file or directory (default: the image's name in the current directory)", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(help: .json)
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func run(in live: Live) async throws {
        let id = try AssetID(assetID)
        let path = output.map(live.absolute) ?? live.currentDirectory
        let writer = EventWriter(live)
        let done = try await writer.live {
            try await live.withDownloads(url: url, aws, definition, tell: { writer.sink(.notice($0)) }) { source in
                try await source.download(id, format, to: path, events: writer.sink, clock: live.clock)
            }
        }
        let (item, file) = (done.item, done.file)
        let facts = FactSheet([
            .init("file", done.wasThere ? "\(file) (already downloaded)" : file, .string(file)),
            .init("size", key: "bytes", Units.size(Int64(item.size)), .count(item.size)),
            .init("checked", item.checkSentence), .json("was_there", .bool(done.wasThere)),
        ])
        live.show(facts, json: json)
    }
}

import AWSServices
import ArgumentParser
import Definition
import Glibc
import Releasing
import Reporting
import Sandbox
import Workbench

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

    @Flag(help: "Print JSON")
    var json = false

    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    func run(in live: Live) async throws {
        let id = try AssetID(assetID)
        let writer = EventWriter(live)
        let tell: @Sendable (String) -> Void = { writer.sink(.notice($0)) }
        let sheet = try await live.withDownloads(url: url, aws, definition, tell: tell) { source in
            let item = try await source.item(id, format)
            let file = file(item, live)
            let isThere = try item.isThere(at: file)
            if !isThere { try await fetch(item, from: source, to: file, writer, live) }
            return facts(item, file, isThere)
        }
        live.show(sheet, json: json)
    }

    private func fetch(
        _ item: DownloadSource.Item, from source: DownloadSource, to file: String, _ writer: EventWriter, _ live: Live
    ) async throws {
        let lock = try FileLock("\(file).part-lock", holder: "dss download is fetching \(file)")
        defer { unlink("\(file).part-lock") }
        let log = StageLog(events: writer.sink, clock: live.clock)
        try await writer.live {
            try await log.run(.export) {
                try await source.fetch(item, to: file) { done in
                    writer.sink(
                        .progress(
                            .export,
                            Progress(
                                "download \(item.name)", completed: Double(done.done), total: Double(done.total),
                                unit: .bytes)))
                }
                return ((), .done)
            }
        }
        _ = consume lock
    }

    private func file(_ item: DownloadSource.Item, _ live: Live) -> String {
        guard let output else { return live.absolute(item.name) }
        let path = live.absolute(output)
        return fileExists("\(path)/.") ? "\(path)/\(item.name)" : path
    }

    private func facts(_ item: DownloadSource.Item, _ file: String, _ wasThere: Bool) -> FactSheet {
        FactSheet([
            .init("file", wasThere ? "\(file) (already downloaded)" : file, .string(file)),
            .init("size", key: "bytes", Units.size(Int64(item.size)), .count(item.size)),
            .init("checked", item.checkSentence), .json("was_there", .bool(wasThere)),
        ])
    }
}

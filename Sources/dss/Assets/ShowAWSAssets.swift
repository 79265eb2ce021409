import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss show-aws-assets`
struct ShowAWSAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-aws-assets",
        abstract: "List AWS assets and leftovers of builds with their estimated cost",
        discussion: """
            Finds assets by the tag and the names in the definition. ORPHAN marks an asset whose stack or image is \
            gone; 'name only' marks an asset that lacks the tag and may belong to someone else. Costs are rough \
            estimates. For Docker images that were pushed with --list-on-aws, prints the docker pull command.

            Types: \(AssetKinds.allValueStrings.joined(separator: ", ")).

            Examples:
              dss show-aws-assets --aws-profile release
              dss show-aws-assets --asset-id '6.*' --region all
              dss show-aws-assets --asset-type ami snapshot \\
                  --region eu-central-1 us-east-1
              dss show-aws-assets --json | jq 'map(.estimated_usd_per_month) | add'
              dss show-aws-assets --out-file assets.md
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern = "*"

    @Option(
        name: .customLong("asset-type"), parsing: .upToNextOption,
        help: ArgumentHelp("Show only assets of these types", valueName: "type"))
    var types: [AssetKinds] = []

    @Flag(help: "Also show ended exports, builds and instances, as long as AWS lists them")
    var ended = false

    @Flag(help: .json)
    var json = false

    @Option(
        name: .customLong("out-file"),
        help: ArgumentHelp("Also write the list to a file as Markdown", valueName: "file"), completion: .file())
    var outFile: String?

    @OptionGroup var options: AWSAssetOptions

    func run(in live: Live) async throws {
        let found = try await live.withAWSAssets(options, pattern) { assets in
            var found = try await assets.find(types.isEmpty ? Asset.Kind.onAWS : types.kinds)
            found.assets = try await assets.withPullLines(found.assets)
            return found
        }
        let assets = found.assets.filter { ended || !$0.isEnded }
        try AssetListing(assets, on: .onAWS, now: live.now(), empty: "no assets match '\(pattern)'")
            .show(as: json ? .json : .text, outFile: outFile, live)
        found.warnOfGaps(live)
        if let gap = found.gaps.first { throw ExitCode(Failure(explaining: gap.reason).code.rawValue) }
    }
}

extension AssetListing.Site {
    static var onAWS: Self { .aws(prices: PriceList.shipped.date) }
}

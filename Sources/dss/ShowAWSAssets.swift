import AWSProvider
import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox
import Workbench

/// `dss show-aws-assets`
struct ShowAWSAssets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-aws-assets",
        abstract: "Shows what builds have made on AWS and what they left, with what it costs.",
        discussion: """
            Finds things by the tag and the names of the definition. ORPHAN marks what belonged to a stack or an image \
            that is gone. Costs are rough estimates. A Docker image that was pushed with --list-on-aws is named by the \
            command that pulls it.

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
        help: ArgumentHelp("An asset id; * and ? stand for any characters.", valueName: "pattern"))
    var pattern = "*"

    @Option(
        name: .customLong("asset-type"), parsing: .upToNextOption,
        help: ArgumentHelp("Only these types.", valueName: "type"))
    var types: [AssetKinds] = []

    @Flag(help: "Also shows exports, builds and machines that have ended, as long as AWS remembers them.")
    var ended = false

    @Flag(help: "Prints JSON.")
    var json = false

    @Option(
        name: .customLong("out-file"),
        help: ArgumentHelp("Also writes them to a file, in Markdown.", valueName: "file"), completion: .file())
    var outFile: String?

    @OptionGroup var options: AWSAssetOptions

    func run() async throws {
        let inventory = try await Live().withAWSAssets(options, pattern) { search in
            var inventory = try await search.find(types.all)
            inventory.assets = try await search.withPullLines(inventory.assets)
            return inventory
        }
        let assets = inventory.assets.filter { ended || !$0.isEnded }
        let listing = AssetListing(assets: assets, empty: "no assets match '\(pattern)'")
        let terminal = Terminal.standardOutput
        if let outFile {
            var text = ""
            listing.write(as: .markdown, .piped) { text += $0 }
            try writeAtomically(text, to: outFile)
        }
        listing.write(as: json ? .json : .text, terminal.style, to: terminal.write)
        inventory.warnOfGaps()
        if let gap = inventory.gaps.first { throw ExitCode(Failure(gap.reason).code.rawValue) }
    }
}

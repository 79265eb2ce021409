import ArgumentParser
import LocalProvider
import Reporting
import Sandbox

/// `dss show-assets`
struct ShowAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-assets",
        abstract: "List local assets, kept machines and leftovers of killed builds",
        discussion: """
            Examples:
              dss show-assets
              dss show-assets --asset-id '6.*' --format markdown
              dss show-assets --asset-id 0.1.0 --json
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern = "*"

    @Option(help: "Output format: text, markdown or json")
    var format = OutputFormat.text

    @Flag(help: .jsonFormat)
    var json = false

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    func run(in live: Live) async throws {
        let found = try await live.assets(definition, place, pattern).find()
        try AssetListing(found.assets, on: .host, now: live.now(), empty: "no assets match '\(pattern)'").show(
            as: json ? .json : format, live)
    }
}

extension OutputFormat: ExpressibleByArgument {}

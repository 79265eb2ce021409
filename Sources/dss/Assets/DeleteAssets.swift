import ArgumentParser
import Reporting

/// `dss delete-assets`
struct DeleteAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-assets",
        abstract: "Delete local assets and leftovers of builds after confirmation",
        discussion: """
            Skips assets of running builds. Safe to run again.

            Examples:
              sudo dss delete-assets --asset-id 0.1.0
              sudo dss delete-assets --asset-id '0.1.*' --yes
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern: String

    @OptionGroup var removal: RemovalOptions
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    var needsRoot: Bool { true }

    func run(in live: Live) async throws {
        try await AssetConsole(
            live.assets(definition, place, pattern), on: .host, live, empty: "no assets match '\(pattern)'"
        ).remove(removal)
    }
}

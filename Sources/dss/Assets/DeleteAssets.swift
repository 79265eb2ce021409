import ArgumentParser
import Reporting

/// `dss delete-assets`
struct DeleteAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-assets",
        abstract: "Delete local assets and leftovers of builds after confirmation",
        discussion: """
            Skips assets that a running build or virtual machine uses. Safe to run again. --leftovers removes the \
            machines that 'dss create-vm --keep-on-failure' kept, and what killed builds left behind: processes, mounts, \
            network namespaces, directories and unfinished files.

            Examples:
              sudo dss delete-assets --asset-id 0.1.0
              sudo dss delete-assets --asset-id '0.1.*' --yes
              sudo dss delete-assets --leftovers
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern: String?

    @Flag(help: "Remove kept machines and leftovers of builds only, and no finished image")
    var leftovers = false

    @OptionGroup var removal: RemovalOptions
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    var needsRoot: Bool { true }

    func validate() throws {
        guard pattern != nil || leftovers else { throw ValidationError("specify --asset-id or --leftovers") }
    }

    func run(in live: Live) async throws {
        let assets = try await live.assets(definition, place, pattern ?? "*", isOfLeftovers: leftovers)
        let what = leftovers ? "leftovers" : "assets"
        let empty = pattern.map { "no \(what) match '\($0)'" } ?? "no \(what)"
        try await AssetConsole(assets, on: .host, live, empty: empty).remove(removal)
    }
}

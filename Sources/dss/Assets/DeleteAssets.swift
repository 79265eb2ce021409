import ArgumentParser
import LocalProvider
import Reporting
import Sandbox

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

    @Flag(help: .yes)
    var yes = false

    @Flag(name: .customLong("dry-run"), help: .dryRun)
    var dryRun = false

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: DirectoryOptions

    func run(in live: Live) async throws {
        try live.requireRoot(for: "dss delete-assets")
        let pattern = AssetPattern(pattern)
        let inventory = try await live.assets(definition, place)
        let assets = try await inventory.list(pattern)
        let terminal = live.standardOutput
        terminal.write(Table.assets(assets, matching: pattern).rendered(as: .text, terminal.style))
        guard !assets.isEmpty, !dryRun else { return }
        let removable = assets.filter { asset in !assets.contains { $0.assetID == asset.assetID && $0.state == .inUse }
        }
        guard !removable.isEmpty else {
            throw Failure(
                .temporary, "all of these assets are in use by a running build",
                advice: "wait for the build, or stop it first")
        }
        guard try await isConfirmed(live) else { throw Failure(.usage, "nothing was removed") }
        try await inventory.remove(removable)
        let left = assets.count - removable.count
        terminal.write("removed \(removable.count) of \(assets.count)\(left > 0 ? ", the others are in use" : "")\n")
    }

    private func isConfirmed(_ live: Live) async throws -> Bool {
        if yes { return true }
        guard live.keyboard.isTerminal else {
            throw Failure(
                .usage, "nothing was removed: there is no terminal to ask for confirmation",
                advice: "add --yes to skip confirmation")
        }
        return try await live.isAnsweredYes("Remove all of these assets?")
    }
}

import ArgumentParser
import LocalProvider
import Reporting
import Sandbox

/// `dss delete-assets`
struct DeleteAssets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-assets",
        abstract: "Removes what builds have made or left, after showing it.",
        discussion: """
            Safe to run again. What belongs to a running build is refused.

            Examples:
              sudo dss delete-assets --asset-id 0.1.0
              sudo dss delete-assets --asset-id '0.1.*' --yes
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("An asset id; * and ? stand for any characters.", valueName: "pattern"))
    var pattern: String

    @Flag(help: "Does not ask.")
    var yes = false

    @Flag(name: .customLong("dry-run"), help: "Only shows what would be removed.")
    var dryRun = false

    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var place: PlaceOptions

    func run() async throws {
        let live = Live()
        try live.requireRoot(for: "dss delete-assets")
        let pattern = AssetPattern(pattern)
        let inventory = try await live.assets(definition, place)
        let assets = try await inventory.list(pattern)
        let terminal = Terminal.standardOutput
        terminal.write(Table.assets(assets, matching: pattern).rendered(as: .text, terminal.style))
        guard !assets.isEmpty, !dryRun else { return }
        let removable = assets.filter { asset in !assets.contains { $0.assetID == asset.assetID && $0.state == .inUse }
        }
        guard !removable.isEmpty else {
            throw Failure(.temporary, "all of these are in use by a build that runs", advice: "end it first")
        }
        guard try await isConfirmed() else { throw Failure(.usage, "nothing was removed") }
        try await inventory.remove(removable)
        let left = assets.count - removable.count
        terminal.write("removed \(removable.count) of \(assets.count)\(left > 0 ? ", the others are in use" : "")\n")
    }

    private func isConfirmed() async throws -> Bool {
        if yes { return true }
        guard Question.canBeAsked else {
            throw Failure(.usage, "not removing anything without being asked to", advice: "add --yes")
        }
        return try await Question.isAnsweredYes("Remove all of these?")
    }
}

import AWSProvider
import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox

/// `dss delete-aws-assets`
struct DeleteAWSAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-aws-assets",
        abstract: "Delete AWS assets and leftovers of builds after confirmation",
        discussion: """
            Stops running exports and builds first, then deletes instances and stacks, AMIs before their snapshots, \
            and stored objects. Never touches the permanent stacks that are deployed once per account. Keeps assets \
            that have only a name from the definition and lack its tag, unless --adopt is given. Safe to run again; \
            Ctrl-C stops between two deletions.

            Exits with 1 if anything could not be deleted. Lists each remaining asset with the reason and the command \
            that deletes it.

            Examples:
              dss delete-aws-assets --asset-id 0.1.0 --dry-run
              dss delete-aws-assets --asset-id 0.1.0 --keep ami,s3-object
              dss delete-aws-assets --expired --region all --yes
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern: String?

    @Flag(help: "Select only assets whose expires-at tag is in the past, and assets that belong to them")
    var expired = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Asset types to keep; AMIs keep their snapshots: \(AssetKinds.allValueStrings.joined(separator: ", "))",
            valueName: "type"))
    var keep: [AssetKinds] = []

    @Flag(help: "Also delete assets that have only a name from the definition and lack its tag")
    var adopt = false

    @OptionGroup var removal: RemovalOptions
    @OptionGroup var options: AWSAssetOptions

    func validate() throws {
        if pattern == nil, !expired {
            throw ValidationError("specify which assets to delete with --asset-id or --expired")
        }
    }

    func run(in live: Live) async throws {
        try await live.withAWSAssets(options, pattern ?? "*") { assets in
            try await AssetConsole(
                assets, on: .onAWS, live, empty: expired ? "nothing has expired" : "no assets match '\(pattern ?? "*")'"
            ).remove(removal, keeping: Set(keep.kinds), adopting: adopt, expiredAt: expired ? live.now() : nil) {
                gone in
                for snapshot in gone where snapshot.kind == .snapshot { live.removeWorkFiles(of: snapshot.id) }
            }
        }
    }
}

extension Live {
    /// Removes the local files of a killed export, which are useless without its snapshot.
    fileprivate func removeWorkFiles(of snapshotID: String) {
        do {
            let folder = try exportDirectory()
            if try EBSDirectExport.removeWorkFiles(of: snapshotID, in: folder) {
                standardOutput.write("removed leftover files of the export of \(snapshotID) in \(folder)\n")
            }
        } catch {
            warn("cannot remove the leftover files of the export of \(snapshotID): \(error)")
        }
    }
}

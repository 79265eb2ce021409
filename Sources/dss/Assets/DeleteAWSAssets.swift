import AWSCore
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
            and stored objects. Never touches the permanent stacks that are deployed once per account. Safe to run \
            again; Ctrl-C stops between two deletions.

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

    @Flag(name: .customLong("dry-run"), help: .dryRun)
    var dryRun = false

    @Flag(help: .yes)
    var yes = false

    @OptionGroup var options: AWSAssetOptions

    func validate() throws {
        if pattern == nil, !expired {
            throw ValidationError("specify which assets to delete with --asset-id or --expired")
        }
    }

    func run(in live: Live) async throws {
        try await live.withAWSAssets(options, pattern ?? "*") { search in
            let desk = AssetRemover(
                search: search, isExpired: expired, kept: keep.all, exportDirectory: live.exportDirectory,
                live: live)
            let found = try await search.find()
            found.warnOfGaps(live)
            let plan = desk.plan(found)
            desk.show(plan, of: found, empty: expired ? "nothing has expired" : "no assets match '\(pattern ?? "*")'")
            if !plan.isEmpty, !dryRun {
                if !yes { try await desk.ask() }
                try await desk.remove(plan)
            }
            if let gap = found.gaps.first {
                throw Failure(
                    .failed, "cannot list the assets of every region", details: ["\(gap.region): \(gap.reason)"],
                    advice: gap.reason.advice)
            }
        }
    }
}

/// Shows a removal plan, asks for confirmation, and executes the plan.
struct AssetRemover: Sendable {
    let search: AssetSearch
    let isExpired: Bool
    let kept: Set<AWSAsset.Kind>
    /// The scratch directory of exports on this host.
    let exportDirectory: String
    let live: Live
    private var terminal: Terminal { live.standardOutput }

    func plan(_ found: AWSAssets.Inventory) -> RemovalPlan {
        RemovalPlan(isExpired ? found.assets.expired(at: live.now()) : found.assets, keeping: kept)
    }

    func show(_ plan: RemovalPlan, of found: AWSAssets.Inventory, empty: String) {
        let empty = plan.spared.isEmpty ? empty : "nothing to remove"
        AssetListing(assets: plan.listed(in: found.assets), now: live.now(), empty: empty)
            .write(as: .text, terminal.style, to: terminal.write)
        for spared in plan.spared.prefix(Self.shown) {
            terminal.write("keeping \(spared.asset.kind.rawValue) \(spared.asset.id): \(spared.reason)\n")
        }
        if plan.spared.count > Self.shown { terminal.write("keeping \(plan.spared.count - Self.shown) more\n") }
    }

    func ask() async throws {
        guard live.keyboard.isTerminal else {
            throw Failure(
                .usage, "nothing was removed: there is no terminal to ask for confirmation",
                advice: "add --yes to skip confirmation")
        }
        guard try await live.isAnsweredYes("Remove all of these assets?") else {
            throw Failure(.usage, "nothing was removed")
        }
    }

    /// Removes the planned assets, then searches again: an export that finished meanwhile may have left an object, and
    /// an image that was being created may have left a snapshot.
    /// - Throws: `Failure` if something could not be removed; `LeftBehind` if the task was cancelled.
    func remove(_ plan: RemovalPlan) async throws {
        var plan = plan
        var left: [Removal.Leftover] = []
        var total = 0
        var gone = 0
        for _ in 1...Self.rounds {
            let leftovers = await Removal(search.client, report: tell).run(plan)
            left += leftovers
            total += plan.count(besides: [])
            gone += plan.count(besides: leftovers)
            if leftovers.contains(where: \.isInterrupted) {
                throw LeftBehind(cause: CancellationError(), leftovers: Self.lines(left))
            }
            let known = Set(left.map(\.asset.place))
            plan = self.plan(try await search.find())
            plan.waves = plan.waves.map { $0.filter { !known.contains($0.place) } }.filter { !$0.isEmpty }
            if plan.isEmpty { break }
        }
        guard left.isEmpty else {
            throw Failure(
                .failed, "\(left.count) of \(total) assets could not be removed",
                details: Self.lines(left),
                advice: "fix the problem and run the command again to remove the remaining assets")
        }
        terminal.write("removed \(gone == 1 ? "1 asset" : "\(gone) assets")\n")
    }

    private static let rounds = 3
    private static let shown = 20

    @Sendable private func tell(_ assets: [AWSAsset]) {
        guard let first = assets.first else { return }
        let what = assets.count == 1 ? "\(first.kind.rawValue) \(first.id)" : "\(assets.count) \(first.kind.rawValue)s"
        terminal.write("removed \(what) in \(first.region)\n")
        for snapshot in assets where snapshot.kind == .snapshot { removeWorkFiles(of: snapshot.id) }
    }

    /// Removes the local files of a killed export, which are useless without its snapshot.
    private func removeWorkFiles(of snapshotID: String) {
        do {
            if try EBSDirectExport.removeWorkFiles(of: snapshotID, in: exportDirectory) {
                terminal.write("removed leftover files of the export of \(snapshotID) in \(exportDirectory)\n")
            }
        } catch {
            live.warn("cannot remove \(exportDirectory)/\(snapshotID): \(error)")
        }
    }

    private static func lines(_ left: [Removal.Leftover]) -> [String] {
        let lines = left.prefix(shown).flatMap { leftover in
            [
                "\(leftover.asset.kind.rawValue) \(leftover.asset.id): \(leftover.reason)",
                "  remove it with: \(leftover.asset.removalCommand)",
            ]
        }
        return lines + (left.count > shown ? ["and \(left.count - shown) more"] : [])
    }
}

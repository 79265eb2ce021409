import AWSCore
import AWSProvider
import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox

/// `dss delete-aws-assets`
struct DeleteAWSAssets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-aws-assets",
        abstract: "Removes what builds have made on AWS or left there, after showing it.",
        discussion: """
            Running exports and builds are ended first; then machines and stacks go, images before their snapshots, \
            and what is stored. The stacks that are deployed once for an account are never touched. Safe to run again; \
            Ctrl-C stops between two removals.

            Exits with 1 where something is left, naming it, the reason, and the command that removes it.

            Examples:
              dss delete-aws-assets --asset-id 0.1.0 --dry-run
              dss delete-aws-assets --asset-id 0.1.0 --keep ami,s3-object
              dss delete-aws-assets --expired --region all --yes
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("An asset id; * and ? stand for any characters.", valueName: "pattern"))
    var pattern: String?

    @Flag(help: "Only what is past its time, which the tag expires-at says, and what belongs to that.")
    var expired = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "What stays; an image keeps its snapshots: \(AssetKinds.allValueStrings.joined(separator: ", ")).",
            valueName: "type"))
    var keep: [AssetKinds] = []

    @Flag(name: .customLong("dry-run"), help: "Only shows what would be removed.")
    var dryRun = false

    @Flag(help: "Does not ask.")
    var yes = false

    @OptionGroup var options: AWSAssetOptions

    func validate() throws {
        if pattern == nil, !expired { throw ValidationError("Say what goes: --asset-id, or --expired.") }
    }

    func run() async throws {
        let live = Live()
        try await live.withAWSAssets(options, pattern ?? "*") { search in
            let desk = RemovalDesk(
                search: search, isExpired: expired, kept: keep.all, exportDirectory: live.exportDirectory)
            let found = try await search.find()
            found.warnOfGaps()
            let plan = desk.plan(found)
            desk.show(plan, of: found, empty: expired ? "nothing has expired" : "no assets match '\(pattern ?? "*")'")
            if !plan.isEmpty, !dryRun {
                if !yes { try await desk.ask() }
                try await desk.remove(plan)
            }
            if let gap = found.gaps.first {
                throw Failure(
                    .failed, "not everything could be looked at", details: ["\(gap.region): \(gap.reason)"],
                    advice: gap.reason.advice)
            }
        }
    }
}

/// Where a removal is shown, approved and followed.
struct RemovalDesk: Sendable {
    let search: AssetSearch
    let isExpired: Bool
    let kept: Set<AWSAsset.Kind>
    /// Where exports on this machine keep their files.
    let exportDirectory: String
    private let terminal = Terminal.standardOutput

    init(search: AssetSearch, isExpired: Bool, kept: Set<AWSAsset.Kind>, exportDirectory: String) {
        self.search = search
        self.isExpired = isExpired
        self.kept = kept
        self.exportDirectory = exportDirectory
    }

    func plan(_ found: AWSAssets.Inventory) -> RemovalPlan {
        RemovalPlan(isExpired ? found.assets.expired(at: Date()) : found.assets, keeping: kept)
    }

    func show(_ plan: RemovalPlan, of found: AWSAssets.Inventory, empty: String) {
        let empty = plan.spared.isEmpty ? empty : "nothing to remove"
        AssetListing(assets: plan.listed(in: found.assets), empty: empty)
            .write(as: .text, terminal.style, to: terminal.write)
        for spared in plan.spared.prefix(Self.shown) {
            terminal.write("stays: \(spared.asset.kind.rawValue) \(spared.asset.id), \(spared.reason)\n")
        }
        if plan.spared.count > Self.shown { terminal.write("and \(plan.spared.count - Self.shown) more stay\n") }
    }

    func ask() async throws {
        guard Question.canBeAsked else {
            throw Failure(
                .usage, "nothing was removed: there is no terminal to ask on", advice: "add --yes to do this unasked")
        }
        guard try await Question.isAnsweredYes("Remove all of these?") else {
            throw Failure(.usage, "nothing was removed")
        }
    }

    /// Looks again after removing: an export that ended by itself has left an object, an image that was being made a
    /// snapshot.
    /// - Throws: `Failure` where something could not be removed; `LeftBehind` where the task was cancelled.
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
                advice: "run the same command again when that is mended: it removes what is left")
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

    /// What an export that was killed has left here is of no use without its snapshot.
    private func removeWorkFiles(of snapshotID: String) {
        do {
            if try EBSDirectExport.removeWorkFiles(of: snapshotID, in: exportDirectory) {
                terminal.write("removed what an export of \(snapshotID) had left in \(exportDirectory)\n")
            }
        } catch {
            Terminal.standardError.write(
                Message.warning(
                    "\(exportDirectory)/\(snapshotID) stays: \(error)", Terminal.standardError.style))
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

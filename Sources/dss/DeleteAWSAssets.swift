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

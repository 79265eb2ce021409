import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox
import Workbench

/// The terminal side of an inventory, the same for this machine and for AWS: shows what will be removed and what stays,
/// asks for confirmation, and reports what is gone.
struct AssetConsole<Source: AssetInventory> {
    let inventory: Source
    let site: AssetListing.Site
    /// Text shown if nothing was selected.
    let empty: String
    let live: Live
    private var terminal: Terminal { live.standardOutput }

    init(_ inventory: Source, on site: AssetListing.Site, _ live: Live, empty: String) {
        (self.inventory, self.site, self.live, self.empty) = (inventory, site, live, empty)
    }

    /// - Parameters:
    ///   - adopts: Whether assets that have only our name are removed too.
    ///   - expiry: If set, only what has expired by then is removed, with its parts.
    ///   - afterwards: Receives the assets that are gone, batch by batch.
    func remove(
        _ options: RemovalOptions, keeping kept: Set<Asset.Kind> = [], adopting adopts: Bool = false,
        expiredAt expiry: Date? = nil,
        afterwards: @escaping @Sendable ([Asset]) -> Void = { _ in }
    ) async throws {
        let remover = AssetRemover(inventory, keeping: kept, adopting: adopts, expiredAt: expiry) { [terminal] gone in
            terminal.write(Self.line(gone))
            afterwards(gone)
        }
        let found = try await inventory.find()
        found.warnOfGaps(live)
        let plan = remover.plan(found)
        show(plan, of: found)
        if !options.dryRun {
            if !plan.isEmpty {
                if !options.yes {
                    try await live.confirm("Remove all of these assets?", orElse: "nothing was removed")
                }
                let count = try await remover.remove(plan)
                terminal.write("removed \(count == 1 ? "1 asset" : "\(count) assets")\n")
            } else if found.assets.contains(where: \.isInUse) {
                throw Failure(
                    .temporary, "all of these assets are in use by a running build or virtual machine",
                    advice: "wait for its end, or stop it first")
            }
        }
        guard let gap = found.gaps.first else { return }
        throw Failure(
            .failed, "cannot list the assets of every region", details: ["\(gap.region): \(gap.reason)"],
            advice: Failure(explaining: gap.reason).advice)
    }

    private func show(_ plan: RemovalPlan, of found: Inventory) {
        AssetListing(
            plan.listed(in: found.assets), on: site, now: live.now(),
            empty: plan.spared.isEmpty ? empty : "nothing to remove"
        ).write(as: .text, terminal.style, to: terminal.write)
        let shown = 20
        for spared in plan.spared.prefix(shown) {
            terminal.write("keeping \(Self.name(spared.asset)): \(spared.reason)\n")
        }
        if plan.spared.count > shown { terminal.write("keeping \(plan.spared.count - shown) more\n") }
    }

    /// The kind and the id of an asset. The id of a process begins with its kind.
    static func name(_ asset: Asset) -> String {
        let kind = "\(asset.kind.rawValue) "
        return asset.id.hasPrefix(kind) ? asset.id : kind + asset.id
    }

    private static func line(_ gone: [Asset]) -> String {
        guard let first = gone.first else { return "" }
        let place = first.region.isEmpty ? "" : " in \(first.region)"
        guard gone.count > 1 else { return "removed \(name(first))\(place)\n" }
        let isOneKind = gone.allSatisfy { $0.kind == first.kind }
        let what = isOneKind ? "\(gone.count) \(first.kind.plural)" : "\(gone.count) assets"
        return "removed \(what)" + (first.region.isEmpty ? " of \(first.assetID)" : place) + "\n"
    }
}

/// The options shared by the commands that remove assets.
struct RemovalOptions: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: .dryRun)
    var dryRun = false

    @Flag(help: .yes)
    var yes = false
}

extension AssetListing {
    /// Prints the list, and also writes it to a file as Markdown.
    func show(as format: OutputFormat, outFile: String? = nil, _ live: Live) throws {
        if let outFile {
            var text = ""
            write(as: .markdown, .piped) { text += $0 }
            try writeUserFile(text, to: outFile)
        }
        let terminal = live.standardOutput
        write(as: format, terminal.style, to: terminal.write)
    }
}

extension Inventory {
    /// Warns about the regions whose assets could not be listed.
    func warnOfGaps(_ live: Live) {
        for gap in gaps { live.warn("cannot list assets in \(gap.region): \(gap.reason)") }
    }
}

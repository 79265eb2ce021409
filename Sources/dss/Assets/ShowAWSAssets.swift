import AWSCore
import AWSProvider
import ArgumentParser
import FoundationEssentials
import Reporting
import Sandbox
import Workbench

/// `dss show-aws-assets`
struct ShowAWSAssets: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-aws-assets",
        abstract: "List AWS assets and leftovers of builds with their estimated cost",
        discussion: """
            Finds assets by the tag and the names in the definition. ORPHAN marks an asset whose stack or image is \
            gone. Costs are rough estimates. For Docker images that were pushed with --list-on-aws, prints the docker \
            pull command.

            Types: \(AssetKinds.allValueStrings.joined(separator: ", ")).

            Examples:
              dss show-aws-assets --aws-profile release
              dss show-aws-assets --asset-id '6.*' --region all
              dss show-aws-assets --asset-type ami snapshot \\
                  --region eu-central-1 us-east-1
              dss show-aws-assets --json | jq 'map(.estimated_usd_per_month) | add'
              dss show-aws-assets --out-file assets.md
            """)

    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp("Asset id; '*' and '?' are wildcards", valueName: "pattern"))
    var pattern = "*"

    @Option(
        name: .customLong("asset-type"), parsing: .upToNextOption,
        help: ArgumentHelp("Show only assets of these types", valueName: "type"))
    var types: [AssetKinds] = []

    @Flag(help: "Also show ended exports, builds and instances, as long as AWS lists them")
    var ended = false

    @Flag(help: .json)
    var json = false

    @Option(
        name: .customLong("out-file"),
        help: ArgumentHelp("Also write the list to a file as Markdown", valueName: "file"), completion: .file())
    var outFile: String?

    @OptionGroup var options: AWSAssetOptions

    func run(in live: Live) async throws {
        let inventory = try await live.withAWSAssets(options, pattern) { search in
            var inventory = try await search.find(types.all)
            inventory.assets = try await search.withPullLines(inventory.assets)
            return inventory
        }
        let assets = inventory.assets.filter { ended || !$0.isEnded }
        let listing = AssetListing(assets: assets, now: live.now(), empty: "no assets match '\(pattern)'")
        let terminal = live.standardOutput
        if let outFile {
            var text = ""
            listing.write(as: .markdown, .piped) { text += $0 }
            try writeAtomically(text, to: outFile)
        }
        listing.write(as: json ? .json : .text, terminal.style, to: terminal.write)
        inventory.warnOfGaps(live)
        if let gap = inventory.gaps.first { throw ExitCode(Failure(gap.reason).code.rawValue) }
    }
}

extension Table {
    /// The columns, total and notes of `show-aws-assets`.
    fileprivate static func awsAssets(_ listing: AssetListing, in room: AssetListing.Room) -> Table {
        let assets = listing.assets
        let hasURLs = room == .forAll && assets.contains { $0.url != nil }
        let cost = assets.reduce(0) { $0 + ($1.monthlyCost ?? 0) }
        let bytes = assets.reduce(0) { $0 + ($1.bytes ?? 0) }
        let number = assets.count == 1 ? "1 asset" : "\(assets.count) assets"
        return Table(
            [
                Column("asset", key: "asset_id", in: .documents), Column("region", in: .documents), Column("type"),
                Column("id"), Column("name", in: .programs),
                Column("state", in: room >= .forStates ? .everywhere : .documents),
                Column("size", key: "bytes", .right), Column("$/mo", key: "estimated_usd_per_month", .right),
                Column("url", key: "url", in: hasURLs ? .everywhere : .documents),
                Column("belongs to", key: "belongs_to", in: .programs), Column("public", in: .programs),
                Column("orphan", in: .programs), Column("ended", in: .programs), Column("permanent", in: .programs),
                Column("expires", key: "expires_at", in: .programs), Column("version", in: .programs),
                Column("pull", key: "docker_pull", in: .programs),
            ],
            rows: [],
            total: ["", "", "total", Cell(number), "", "", size(bytes), dollars(cost)] + repeatElement("", count: 9),
            empty: listing.empty,
            notes: assets.compactMap(\.pullLine)
                + (cost > 0
                    ? ["Costs are rough estimates based on manually entered prices of \(listing.prices.date)."]
                    : []))
    }

    /// A range of the rows, grouped by asset id and region.
    fileprivate static func awsAssets(
        _ listing: AssetListing, _ range: Range<Int>, in room: AssetListing.Room, for reach: Reach
    ) -> Table {
        let assets = listing.assets
        var table = Table([], rows: assets[range].map { row($0, listing.now, isWhole: room == .forAll, for: reach) })
        for index in range where index == 0 || !assets[index].isGrouped(with: assets[index - 1]) {
            let asset = assets[index]
            table.headings[index - range.lowerBound] = [
                "\(asset.assetID.isEmpty ? "(no asset id)" : asset.assetID) in \(asset.region)"
            ]
            if room < .forAll, let address = address(of: asset, in: assets[index...]) {
                table.headings[index - range.lowerBound]?.append("objects at \(address)")
            }
        }
        if room < .forStates {
            for index in range { table.remarks[index - range.lowerBound] = assets[index].details(listing.now) }
        }
        return table
    }

    /// The address of a group's objects, which the object names are relative to.
    private static func address(of first: AWSAsset, in assets: ArraySlice<AWSAsset>) -> String? {
        let object = assets.prefix { $0.isGrouped(with: first) }.first { $0.kind == .s3Object }
        return object?.bucket.map { $0.url(of: $0.folder(of: first.assetID)) }
    }

    /// The cells of an asset. Those for programs alone come last and are computed only for programs, to save time.
    private static func row(_ asset: AWSAsset, _ now: Date, isWhole: Bool, for reach: Reach) -> [Cell] {
        let url = asset.url
        let cells = [
            Cell(asset.assetID, asset.assetID.isEmpty ? .null : nil), Cell(asset.region), Cell(asset.kind.rawValue),
            Cell(isWhole && asset.kind != .s3Object ? asset.id : asset.shortID, .string(asset.id)),
            Cell(asset.name ?? "", .text(asset.name)),
            Cell(asset.details(now), .string(asset.state), ink: asset.ink), size(asset.bytes),
            asset.monthlyCost.map(dollars) ?? Cell("", .null), Cell(url ?? "", .text(url)),
        ]
        guard reach == .programs else { return cells + repeatElement("", count: 8) }
        return cells + [
            Cell(asset.parent ?? "", .text(asset.parent)), flag(asset.isPublic), flag(asset.isOrphan),
            flag(asset.isEnded), flag(asset.isPermanent),
            Cell("", .text(asset.expires.map { $0.formatted(.iso8601) })), Cell("", .text(asset.version)),
            Cell("", .text(asset.pullLine)),
        ]
    }

    private static func flag(_ value: Bool) -> Cell { Cell("", .bool(value)) }

    private static func dollars(_ amount: Double) -> Cell {
        Cell(Units.dollars(amount), .number((amount * 10_000).rounded() / 10_000))
    }
}

extension AWSAsset {
    fileprivate func isGrouped(with other: AWSAsset) -> Bool { assetID == other.assetID && region == other.region }

    /// The state of the asset and everything notable about it, as text.
    func details(_ now: Date) -> String {
        var text = isOrphan ? "ORPHAN, " : ""
        text +=
            state.utf8.contains(UInt8(ascii: "_")) ? state.replacing("_", with: " ").lowercased() : state.lowercased()
        if isPublic { text += ", public" }
        if isPermanent { text += ", permanent" }
        if let expires { text += isExpired(at: now) ? ", expired" : ", until \(expires.formatted(.iso8601))" }
        if let title { text += ", " + title }
        return text
    }

    /// The name of the asset, unless it only repeats the id.
    private var title: String? {
        guard let name, !name.isEmpty, kind != .upload else { return nil }
        return name
    }

    fileprivate var ink: TextStyle? {
        if isOrphan { return .red }
        if isEnded { return .dim }
        return isPublic ? .yellow : nil
    }
}

/// A table of assets that fits the width of its output.
struct AssetListing {
    /// How much a terminal has room for in addition to the ids, which are never truncated.
    enum Room: Int, CaseIterable, Comparable {
        case forIDs, forStates
        /// Room for full URLs, and for the ids of uploads, which are as long.
        case forAll

        static func < (lhs: Room, rhs: Room) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    var assets: [AWSAsset]
    var prices = PriceList.shipped
    var now: Date
    var empty: String

    /// Writes the table. If the terminal is too narrow, states are printed below the ids and addresses above them.
    func write(as format: OutputFormat, _ style: Style, to output: (String) throws -> Void) rethrows {
        let isFixed = format != .text || style.width == .max
        let reach: Table.Reach =
            switch format {
            case .text: .everywhere
            case .markdown: .documents
            case .json: .programs
            }
        let room =
            isFixed ? .forAll : Room.allCases.reversed().first { table($0, for: reach).naturalWidth <= style.width }
        try table(room ?? .forIDs, for: reach).write(as: format, style, to: output)
    }

    private func table(_ room: Room, for reach: Table.Reach) -> StreamedTable {
        StreamedTable(.awsAssets(self, in: room), count: assets.count) { .awsAssets(self, $0, in: room, for: reach) }
    }
}

/// A search for assets: the rules to match and the regions to search.
struct AssetSearch: Sendable {
    let client: AWSClient
    let assets: AWSAssets
    let rules: AssetRules
    let regions: [String]

    func find(_ kinds: Set<AWSAsset.Kind> = []) async throws -> AWSAssets.Inventory {
        try await assets.find(rules, kinds: kinds.isEmpty ? Set(AWSAsset.Kind.allCases) : kinds, in: regions)
    }
}

extension AWSAssets.Inventory {
    /// Warns about the regions whose assets could not be listed.
    func warnOfGaps(_ live: Live) {
        for gap in gaps {
            live.warn("cannot list assets in \(gap.region): \(gap.reason)")
        }
    }
}

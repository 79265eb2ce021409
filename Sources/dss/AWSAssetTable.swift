import AWSProvider
import FoundationEssentials
import Reporting

extension Table {
    /// What `show-aws-assets` shows and `delete-aws-assets` asks about: in groups by asset id and region.
    /// - Parameter isWide: there is room in a text for whole URLs and states beside the ids; elsewhere they are always
    ///   there.
    static func awsAssets(
        _ assets: [AWSAsset], prices: PriceList = .shipped, now: Date, isWide: Bool, empty: String
    ) -> Table {
        let cost = assets.reduce(0) { $0 + ($1.monthlyCost ?? 0) }
        let bytes = assets.reduce(0) { $0 + ($1.bytes ?? 0) }
        let number = assets.count == 1 ? "1 asset" : "\(assets.count) assets"
        var table = Table(
            [
                Column("asset", key: "asset_id", in: .documents), Column("region", in: .documents), Column("type"),
                Column("id"), Column("name", in: .programs), Column("state", in: isWide ? .everywhere : .documents),
                Column("size", key: "bytes", .right), Column("est. $/mo", key: "estimated_usd_per_month", .right),
                Column("url", key: "url", in: isWide ? .everywhere : .documents),
                Column("belongs to", key: "belongs_to", in: .programs), Column("public", in: .programs),
                Column("orphan", in: .programs), Column("ended", in: .programs), Column("permanent", in: .programs),
                Column("expires", key: "expires_at", in: .programs),
            ],
            rows: assets.map { row($0, now, isWhole: isWide) },
            total: ["", "", "total", Cell(number), "", "", size(bytes), dollars(cost), "", "", "", "", "", "", ""],
            empty: empty,
            notes: cost > 0 ? ["Costs are estimates, by AWS's list prices of \(prices.date)."] : [])
        for (index, asset) in assets.enumerated() {
            if index > 0, asset.assetID == assets[index - 1].assetID, asset.region == assets[index - 1].region {
                continue
            }
            table.headings[index] = ["\(asset.assetID.isEmpty ? "of no asset id" : asset.assetID) in \(asset.region)"]
        }
        if !isWide {
            table.addAddresses(of: assets)
            for (index, asset) in assets.enumerated() { table.remarks[index] = asset.details(now) }
        }
        return table
    }

    /// Where the objects of a group lie, which their names go on from.
    private mutating func addAddresses(of assets: [AWSAsset]) {
        var group = 0
        var isDone = false
        for (index, asset) in assets.enumerated() {
            if headings[index] != nil { (group, isDone) = (index, false) }
            guard !isDone, asset.kind == .s3Object, let bucket = asset.bucket else { continue }
            headings[group]?.append("objects at \(bucket.url(of: bucket.folder(of: asset.assetID)))")
            isDone = true
        }
    }

    private static func row(_ asset: AWSAsset, _ now: Date, isWhole: Bool) -> [Cell] {
        [
            Cell(asset.assetID, asset.assetID.isEmpty ? .null : nil), Cell(asset.region), Cell(asset.kind.rawValue),
            Cell(isWhole && asset.kind != .s3Object ? asset.id : asset.shortID, .string(asset.id)),
            Cell(asset.name ?? "", .text(asset.name)),
            Cell(asset.details(now), .string(asset.state), ink: asset.ink), size(asset.bytes),
            asset.monthlyCost.map(dollars) ?? Cell("", .null), Cell(asset.url ?? "", .text(asset.url)),
            Cell(asset.parent ?? "", .text(asset.parent)), flag(asset.isPublic), flag(asset.isOrphan),
            flag(asset.isEnded), flag(asset.isPermanent),
            Cell("", .text(asset.expires.map { $0.formatted(.iso8601) })),
        ]
    }

    private static func flag(_ value: Bool) -> Cell { Cell("", .bool(value)) }

    private static func dollars(_ amount: Double) -> Cell {
        Cell(Units.dollars(amount), .number((amount * 10_000).rounded() / 10_000))
    }
}

extension AWSAsset {
    /// Its state and all that stands out, in words.
    func details(_ now: Date) -> String {
        let age = expires.map { isExpired(at: now) ? "expired" : "until \($0.formatted(.iso8601))" }
        let marks = [
            isOrphan ? "ORPHAN" : nil, state.replacing("_", with: " ").lowercased(), isPublic ? "public" : nil,
            isPermanent ? "permanent" : nil, age, title,
        ]
        return marks.compactMap { $0 }.joined(separator: ", ")
    }

    /// A name that the id does not say already.
    private var title: String? {
        guard let name, !name.isEmpty, kind != .upload else { return nil }
        return name
    }

    fileprivate var ink: Ink? {
        if isOrphan { return .red }
        if isEnded { return .dim }
        return isPublic ? .yellow : nil
    }
}

/// Assets as a table that fits where it is shown.
struct AssetListing {
    var assets: [AWSAsset]
    var now = Date()
    var empty: String

    func table(isWide: Bool = true) -> Table {
        .awsAssets(assets, now: now, isWide: isWide, empty: empty)
    }

    /// Ids are never cut: where the terminal is too narrow, states stand below them and addresses above.
    func text(_ style: Style) -> String {
        if style.width == .max { return table().text(style) }
        let wide = table().text(Style(color: false, unicode: false, width: .max))
        let isFitting = wide.split(separator: "\n").allSatisfy { $0.count <= style.width }
        return table(isWide: isFitting).text(style)
    }
}

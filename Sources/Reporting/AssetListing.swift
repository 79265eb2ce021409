import FoundationEssentials
import Sandbox

/// The table of assets that the commands of the inventory print, fitted to the width of its output. Its columns depend
/// on where the assets are.
package struct AssetListing {
    package enum Site: Sendable {
        /// This machine.
        case host
        /// - Parameter prices: The month of the price list.
        case aws(prices: String)
    }

    /// How much a terminal has room for in addition to the ids of assets on AWS, which are never truncated.
    private enum Room: Int, CaseIterable, Comparable {
        case forIDs, forStates
        /// Room for full URLs, and for the ids of uploads, which are as long.
        case forAll

        static func < (lhs: Room, rhs: Room) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    /// A column with its cell for each asset. There may be very many assets, so a cell is made only where it is shown.
    private struct AssetColumn {
        var column: Table.Column
        var total: Table.Cell
        var cell: (Asset) -> Table.Cell

        init(_ column: Table.Column, total: Table.Cell = "", _ cell: @escaping (Asset) -> Table.Cell) {
            (self.column, self.total, self.cell) = (column, total, cell)
        }
    }

    private let assets: [Asset]
    private let site: Site
    private let empty: String
    private let now: Date

    /// - Parameter empty: Text shown instead of an empty table.
    package init(_ assets: [Asset], on site: Site, now: Date = Date(), empty: String) {
        if case .host = site {
            // By asset id, then in the order in which they were found.
            self.assets = assets.sorted { $0.assetID < $1.assetID }
        } else {
            self.assets = assets
        }
        (self.site, self.empty, self.now) = (site, empty, now)
    }

    /// Writes the table. If the terminal is too narrow, what assets have in common is printed above them (the asset id,
    /// the directory or the address), and for assets on AWS, states are printed below the ids.
    package func write(as format: OutputFormat, _ style: Style, to output: (String) throws -> Void) rethrows {
        let reach: Table.Reach =
            switch format {
            case .text: .everywhere
            case .markdown: .documents
            case .json: .programs
            }
        var rooms = Room.allCases
        while format == .text, style.width != .max, let room = rooms.last, room > .forIDs,
            table(room, for: reach).naturalWidth > style.width
        { rooms.removeLast() }
        try table(rooms.last ?? .forIDs, for: reach).write(as: format, style, to: output)
    }

    private func table(_ room: Room, for reach: Table.Reach) -> StreamedTable {
        let columns =
            switch site {
            case .host: hostColumns(room)
            case .aws: awsColumns(room)
            }
        let frame = Table(
            columns.map(\.column), rows: [], total: columns.map(\.total), empty: empty, notes: notes)
        return StreamedTable(frame, count: assets.count) { range in
            var part = Table(
                [],
                rows: assets[range].map { asset in
                    columns.map { $0.column.reach >= reach ? $0.cell(asset) : "" }
                })
            switch site {
            case .host: if room < .forAll { addHostHeadings(to: &part, range) }
            case .aws: addHeadings(to: &part, range, room)
            }
            return part
        }
    }

    private var count: Table.Cell { Table.Cell(assets.count == 1 ? "1 asset" : "\(assets.count) assets") }
    private var bytes: Int64 { assets.reduce(0) { $0 + ($1.bytes ?? 0) } }
    private var cost: Double { assets.reduce(0) { $0 + ($1.monthlyCost ?? 0) } }
}

/// On this machine.
extension AssetListing {
    private func hostColumns(_ room: Room) -> [AssetColumn] {
        let isWide = room == .forAll
        return [
            .init(.init("asset", key: "asset_id", in: isWide ? .everywhere : .documents), total: "total") {
                .init($0.assetID)
            },
            .init(.init("kind"), total: isWide ? "" : "total") { .init($0.kind.rawValue) },
            .init(.init("name", fit: isWide ? .shrinks : .wraps), total: count) {
                .init(isWide ? $0.id : String($0.id.dropFirst($0.storedFolder?.count ?? 0)), .string($0.id))
            },
            .init(.init("size", key: "bytes", .right), total: Table.size(bytes)) { Table.size($0.bytes) },
            .init(.init("state")) { asset in
                // Values for programs contain no spaces.
                .init(
                    asset.state, .string(asset.state.replacing(" ", with: "-")),
                    ink: asset.isInUse ? .yellow : asset.isOrphan ? .red : .green)
            },
        ]
    }
}

extension AssetListing {
    /// Groups the rows by asset id, and names the directory that their names are relative to.
    private func addHostHeadings(to table: inout Table, _ range: Range<Int>) {
        for index in range where index == 0 || assets[index].assetID != assets[index - 1].assetID {
            let group = assets[index...].prefix { $0.assetID == assets[index].assetID }
            let folder = group.lazy.compactMap(\.storedFolder).first
            table.headings[index - range.lowerBound] = [assets[index].assetID] + (folder.map { ["  in \($0)"] } ?? [])
        }
    }
}

/// On AWS.
extension AssetListing {
    private func awsColumns(_ room: Room) -> [AssetColumn] {
        let now = now
        let hasURLs = room == .forAll && assets.contains { $0.url != nil }
        return [
            .init(.init("asset", key: "asset_id", in: .documents)) {
                .init($0.assetID, $0.assetID.isEmpty ? .null : nil)
            },
            .init(.init("region", in: .documents)) { .init($0.region) },
            .init(.init("type"), total: "total") { .init($0.kind.rawValue) },
            .init(.init("id"), total: count) {
                .init(room == .forAll && $0.kind != .s3Object ? $0.id : $0.shortID, .string($0.id))
            },
            .init(.init("name", in: .programs)) { .init($0.name ?? "", .text($0.name)) },
            .init(.init("state", in: room >= .forStates ? .everywhere : .documents)) {
                .init($0.details(now), .string($0.state), ink: $0.ink)
            },
            .init(.init("size", key: "bytes", .right), total: Table.size(bytes)) { Table.size($0.bytes) },
            .init(.init("$/mo", key: "estimated_usd_per_month", .right), total: dollars(cost)) {
                $0.monthlyCost.map(dollars) ?? .init("", .null)
            },
            .init(.init("url", key: "url", in: hasURLs ? .everywhere : .documents)) { asset in
                let url = asset.url
                return .init(url ?? "", .text(url))
            },
            value("belongs to", "belongs_to") { .text($0.parent) }, value("public") { .bool($0.isPublic) },
            value("orphan") { .bool($0.isOrphan) }, value("ended") { .bool($0.isEnded) },
            value("permanent") { .bool($0.isPermanent) },
            value("expires", "expires_at") { .text($0.expires.map { $0.formatted(.iso8601) }) },
            value("version") { .text($0.version) }, value("pull", "docker_pull") { .text($0.pullLine) },
        ]
    }

    /// A column for programs.
    private func value(_ title: String, _ key: String? = nil, _ value: @escaping (Asset) -> JSONValue) -> AssetColumn {
        AssetColumn(.init(title, key: key, in: .programs)) { .init("", value($0)) }
    }

    private func dollars(_ amount: Double) -> Table.Cell {
        .init(Units.dollars(amount), .number((amount * 10_000).rounded() / 10_000))
    }

    /// The `docker pull` commands, and where the costs come from.
    private var notes: [String] {
        guard case .aws(let date) = site else { return [] }
        return assets.compactMap(\.pullLine)
            + (cost > 0 ? ["Costs are rough estimates based on manually entered prices of \(date)."] : [])
    }

    /// Groups the rows by asset id and region.
    private func addHeadings(to table: inout Table, _ range: Range<Int>, _ room: Room) {
        for index in range where index == 0 || !assets[index].isGrouped(with: assets[index - 1]) {
            let asset = assets[index]
            var heading = ["\(asset.assetID.isEmpty ? "(no asset id)" : asset.assetID) in \(asset.region)"]
            if room < .forAll, let address = address(ofGroupAt: index) { heading.append("objects at \(address)") }
            table.headings[index - range.lowerBound] = heading
        }
        guard room < .forStates else { return }
        for index in range { table.remarks[index - range.lowerBound] = assets[index].details(now) }
    }

    /// The address of a group's objects, which the object names are relative to.
    private func address(ofGroupAt index: Int) -> String? {
        let first = assets[index]
        let object = assets[index...].prefix { $0.isGrouped(with: first) }.first { $0.kind == .s3Object }
        return object?.bucket.map { $0.url(of: $0.folder(of: first.assetID)) }
    }
}

extension Asset {
    /// The directory in which the files of one asset id are published, with a slash at its end; `nil` for everything
    /// that is elsewhere.
    fileprivate var storedFolder: Substring? {
        guard [.image, .manifest, .partialExport].contains(kind) else { return nil }
        return id.lastIndex(of: "/").map { id[...$0] }
    }

    fileprivate func isGrouped(with other: Asset) -> Bool { assetID == other.assetID && region == other.region }

    /// The state of the asset and everything notable about it, as text.
    fileprivate func details(_ now: Date) -> String {
        var text = isOrphan ? "ORPHAN, " : ""
        text +=
            state.utf8.contains(UInt8(ascii: "_")) ? state.replacing("_", with: " ").lowercased() : state.lowercased()
        if isPublic { text += ", public" }
        if isPermanent { text += ", permanent" }
        if isNameOnly { text += ", name only" }
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

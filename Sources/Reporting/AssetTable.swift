import Sandbox

extension Table {
    /// What `show-assets` shows and `delete-assets` asks about, sorted by asset id and then as the provider says.
    package static func assets(_ assets: [Asset], matching pattern: AssetPattern? = nil) -> Table {
        let sum = assets.reduce(0) { $0 + ($1.bytes ?? 0) }
        let number = assets.count == 1 ? "1 asset" : "\(assets.count) assets"
        return Table(
            [
                Column("asset", key: "asset_id"), Column("kind"), Column("name", fit: .shrinks),
                Column("size", key: "bytes", .right), Column("state"),
            ],
            rows: assets.sorted { $0.assetID < $1.assetID }.map { asset in
                [
                    Cell(asset.assetID), Cell(asset.kind.rawValue), Cell(asset.name), size(asset.bytes),
                    Cell(asset.state.rawValue, .string(asset.state.wireName), ink: ink(asset.state)),
                ]
            },
            total: [Cell("total"), "", Cell(number), size(sum), ""],
            empty: pattern.map { "no assets match '\($0)'" } ?? "no assets")
    }

    /// A size for people, in bytes for programs; empty where size means nothing.
    package static func size(_ bytes: Int64?) -> Cell {
        Cell(bytes.map(Units.size) ?? "", bytes.map { .integer($0) } ?? .null)
    }

    private static func ink(_ state: Asset.State) -> Ink {
        switch state {
        case .ready: .green
        case .inUse: .yellow
        case .orphaned: .red
        }
    }
}

extension Asset.State {
    /// Its name in JSON, where values have no blanks.
    var wireName: String {
        switch self {
        case .ready: "ready"
        case .inUse: "in-use"
        case .orphaned: "orphaned"
        }
    }
}

import Sandbox

extension Table {
    /// The table that `show-assets` prints and `delete-assets` asks about, sorted by asset id and then in the
    /// provider's order.
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

    /// A size: human-readable as text, bytes in JSON; empty if the asset has no size.
    package static func size(_ bytes: Int64?) -> Cell {
        Cell(bytes.map(Units.size) ?? "", bytes.map { .integer($0) } ?? .null)
    }

    private static func ink(_ state: Asset.State) -> TextStyle {
        switch state {
        case .ready: .green
        case .inUse: .yellow
        case .orphaned: .red
        }
    }
}

extension Asset.State {
    /// Name of the state in JSON, where values contain no spaces.
    var wireName: String {
        switch self {
        case .ready: "ready"
        case .inUse: "in-use"
        case .orphaned: "orphaned"
        }
    }
}

extension Table {
    /// The table of `dss doctor`: every external tool, with the command that installs missing tools below it.
    package static func tools(_ tools: [ToolStatus]) -> Table {
        let missing = tools.filter { $0.version == nil }
        return Table(
            [
                Column("tool", key: "name"), Column("version", fit: .wraps), Column("package"),
                Column("needed for", key: "needed_for", fit: .wraps),
            ],
            rows: tools.map { tool in
                [
                    Cell(tool.name),
                    tool.version.map { Cell($0) } ?? Cell("missing", .null, ink: .loud),
                    Cell(tool.package), Cell(tool.neededFor),
                ]
            },
            empty: "no external tools are needed",
            notes: missing.isEmpty ? [] : ["", "install the missing tools with: \(installCommand(missing))"])
    }

    private static func installCommand(_ missing: [ToolStatus]) -> String {
        var packages: [String] = []
        for tool in missing where !packages.contains(tool.package) { packages.append(tool.package) }
        return "sudo apt-get install " + packages.joined(separator: " ")
    }
}

import Sandbox

extension Table {
    /// A size: human-readable as text, bytes in JSON; empty if the asset has no size.
    package static func size(_ bytes: Int64?) -> Cell {
        Cell(bytes.map(Units.size) ?? "", bytes.map { .integer($0) } ?? .null)
    }
}

extension Table {
    /// The table of `dss doctor`: every external tool, with the command that installs missing tools below it.
    package static func tools(_ tools: [ToolStatus]) -> Table {
        let missing = tools.filter { $0.version == nil && $0.repair == nil }
        let install = missing.isEmpty ? [] : ["install the missing tools with: \(installCommand(missing))"]
        let repairs = Set(tools.compactMap(\.repair)).sorted().map {
            "the virtual environment was moved, or Python was upgraded; create it again with: \($0)"
        }
        let notes = install + repairs
        return Table(
            [
                Column("tool", key: "name"), Column("version", fit: .wraps), Column("package"),
                Column("needed for", key: "needed_for", fit: .wraps),
            ],
            rows: tools.map { tool in
                [
                    Cell(tool.name),
                    tool.version.map { Cell($0) } ?? Cell(tool.repair == nil ? "missing" : "broken", .null, ink: .loud),
                    Cell(tool.package), Cell(tool.neededFor),
                ]
            },
            empty: "no external tools are needed",
            notes: notes.isEmpty ? [] : [""] + notes)
    }

    private static func installCommand(_ missing: [ToolStatus]) -> String {
        var packages: [String] = []
        for tool in missing where !packages.contains(tool.package) { packages.append(tool.package) }
        return "sudo apt-get install " + packages.joined(separator: " ")
    }
}

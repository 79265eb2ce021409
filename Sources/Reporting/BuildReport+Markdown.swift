import Sandbox

extension BuildReport {
    /// The report for a file or a release page, with full digests; a password never stands in it, because files stay.
    package var markdown: String {
        var sections = ["# \(Markdown.escaped(headline))\n"]
        if !missing.isEmpty {
            let lines = missing.map { "- **\(Markdown.escaped($0.component))**: \(Markdown.escaped($0.reason))\n" }
            sections.append("**Missing from this sandbox:**\n\n" + lines.joined())
        }
        if !artifacts.isEmpty {
            let place = directory.map { "In \(Markdown.code($0)):\n\n" } ?? ""
            sections.append("## Images\n\n" + place + artifactTable(forRelease: true).markdown)
        }
        if let machineImage {
            let (id, region) = (Markdown.code(machineImage.id), Markdown.code(machineImage.region))
            sections.append("## AMI\n\n\(id) in \(region), named \(Markdown.code(machineImage.name)).\n")
        }
        if !stages.isEmpty { sections.append("## Stages\n\n" + stageTable.markdown) }
        if !criticalPath.isEmpty {
            let beside = besideCriticalPath.joined(separator: ", ")
            sections.append(
                "Critical path: \(Markdown.escaped(criticalPath.joined(separator: " → "))).\n"
                    + (beside.isEmpty ? "" : "\nBeside it: \(Markdown.escaped(beside)).\n"))
        }
        let login = "Log in as \(Markdown.code(user)); JupyterLab listens on port \(jupyterPort)."
        sections.append("## Use\n\n\(login)\n" + (nextCommand.map { "\n```sh\n\($0)\n```\n" } ?? ""))
        return sections.joined(separator: "\n")
    }

    private var stageTable: Table {
        Table(
            [
                Table.Column("stage"), Table.Column("outcome"), Table.Column("time", .right),
                Table.Column("share", .right),
            ],
            rows: stages.map { stage in
                [
                    Table.Cell(stage.stage.rawValue), Table.Cell(stage.outcome.rawValue),
                    Table.Cell(Units.time(stage.seconds)),
                    Table.Cell(seconds > 0 ? Units.percent(stage.seconds / seconds) : ""),
                ]
            },
            total: ["total", "", Table.Cell(Units.time(seconds)), ""])
    }
}

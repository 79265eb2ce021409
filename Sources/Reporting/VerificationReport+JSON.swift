import Sandbox

extension VerificationReport {
    /// `image`, `hardware`, `accelerator`, `passed`, `seconds` and `checks`, each with `name`, `outcome` (`passed`,
    /// `failed`, `skipped`), `seconds` and `message`.
    package var json: JSONValue {
        .object([
            ("image", .string(image)), ("hardware", .string(hardware)), ("accelerator", .string(accelerator)),
            ("passed", .bool(passed)), ("seconds", .seconds(seconds)),
            (
                "checks",
                .array(
                    checks.map {
                        .object([
                            ("name", .string($0.name)), ("outcome", .string($0.outcome.rawValue)),
                            ("seconds", .seconds($0.seconds)), ("message", .text($0.message)),
                        ])
                    })
            ),
        ])
    }

    /// The report for a file or a release page.
    package var markdown: String {
        let table = Table(
            [Table.Column("check"), Table.Column("outcome"), Table.Column("time", .right), Table.Column("message")],
            rows: checks.map {
                [
                    Table.Cell($0.name), Table.Cell($0.outcome.rawValue), Table.Cell(Units.time($0.seconds)),
                    Table.Cell($0.message ?? ""),
                ]
            },
            empty: "no checks")
        return "# \(Markdown.escaped(heading))\n\n\(table.markdown)\n**\(Markdown.escaped(summary))**\n"
    }
}

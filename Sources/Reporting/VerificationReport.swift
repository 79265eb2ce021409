import Sandbox

extension VerificationReport {
    /// The table of checks with the verdict below it.
    package func text(_ style: Style) -> String {
        style.paint(heading, .bold) + "\n\n"
            + table(style).text(style, indent: 2, header: false) + "\n"
            + "\(style.mark(passed ? .good : .bad)) \(summary)\n"
    }

    /// The image and the hardware that it is booted on.
    package var heading: String {
        "\(image.printableLine) on \(hardware) hardware (\(accelerator))"
    }

    /// `1 of 12 checks failed, 2 were skipped (48.2 s)`.
    package var summary: String {
        let failed = checks.count { $0.outcome == .failed }
        let skipped = checks.count { $0.outcome == .skipped }
        let number = checks.count == 1 ? "1 check" : "\(checks.count) checks"
        var text =
            checks.isEmpty
            ? "no checks ran"
            : failed > 0 ? "\(failed) of \(number) failed" : "\(checks.count - skipped) of \(number) passed"
        if skipped > 0 { text += ", \(skipped) skipped" }
        return text + " (\(Units.time(seconds)))"
    }

    var seconds: Double { checks.reduce(0) { $0 + $1.seconds } }

    private func table(_ style: Style) -> Table {
        Table(
            [
                Table.Column("outcome"), Table.Column("check", key: "name"), Table.Column("time", .right),
                Table.Column("message", fit: .wraps),
            ],
            rows: checks.map { check in
                [
                    Table.Cell(check.outcome.mark(style), ink: check.outcome.ink), Table.Cell(check.name),
                    Table.Cell(check.time), Table.Cell(check.message ?? ""),
                ]
            },
            empty: "no checks")
    }
}

extension CheckResult {
    /// One check as a line of live output during verification.
    package func line(_ style: Style) -> String {
        let mark = style.paint(outcome.mark(style), outcome.ink)
        let text = "\(mark) \(name.printableLine.padded(to: 44)) \(time.padded(to: 10, .right))"
        guard let message, !message.isEmpty else { return text + "\n" }
        return "\(text)  \(message.printableLine)\n"
    }

    fileprivate var time: String { outcome == .skipped ? "skipped" : Units.time(seconds) }
}

extension CheckResult.Outcome {
    fileprivate func mark(_ style: Style) -> String {
        switch self {
        case .passed: style.unicode ? "✓" : "passed"
        case .failed: style.unicode ? "✗" : "FAILED"
        case .skipped: style.unicode ? "–" : "-     "
        }
    }

    fileprivate var ink: TextStyle {
        switch self {
        case .passed: .green
        case .failed: .red
        case .skipped: .dim
        }
    }
}

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

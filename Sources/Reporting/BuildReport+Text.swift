import Sandbox

extension BuildReport {
    /// The final report on a terminal.
    ///
    /// - Parameter password: the default password where one was made for this build; this is the only place that
    ///   shows it. A build that had nothing to do does not show it, because the images carry an older one.
    package func text(_ style: Style, password: Secret? = nil) -> String {
        let sections = [
            [style.paint(headline, .bold)],
            stageLines(style),
            pathLines(style),
            machineImage.map { ["AMI \(style.paint($0.id, .bold)) in \($0.region): \($0.name)"] } ?? [],
            imageLines(style),
            missingLines(style),
            loginLines(style, password),
            nextCommand.map { ["next: \(style.paint($0, .bold))"] } ?? [],
        ]
        return sections.filter { !$0.isEmpty }.map { $0.map { $0 + "\n" }.joined() }.joined(separator: "\n")
    }

    private func stageLines(_ style: Style) -> [String] {
        let longest = stages.map(\.seconds).max() ?? 0
        let room = max(8, min(40, style.width - 40))
        let lines = stages.map { stage in
            let isCached = stage.outcome == .cached
            let time = (isCached ? "cached" : Units.time(stage.seconds)).padded(to: 10, .right)
            let share = isCached || seconds <= 0 ? "" : Units.percent(stage.seconds / seconds)
            let bar = Bar.filled(longest > 0 && !isCached ? stage.seconds / longest : 0, width: room, style)
            let name = stage.stage.rawValue.padded(to: Stage.nameWidth)
            let line = "  \(style.mark(stage.outcome.verdict)) \(name)  \(time)  \(share.padded(to: 5, .right))  \(bar)"
            return line.trimmedEnd
        }
        guard !lines.isEmpty else { return [] }
        let margin = String(repeating: " ", count: style.unicode ? 4 : 9)
        return lines + [
            "\(margin)\("total".padded(to: Stage.nameWidth))  \(Units.time(seconds).padded(to: 10, .right))"
        ]
    }

    private func imageLines(_ style: Style) -> [String] {
        guard !artifacts.isEmpty else { return ["no images were asked for"] }
        let heading = directory.map { "images in \($0)" } ?? "images"
        let table = artifactTable(forRelease: false).text(style, indent: 2, header: false)
        return [heading] + table.printableTable + ["  digests: SHA256SUMS"]
    }

    private func missingLines(_ style: Style) -> [String] {
        guard !missing.isEmpty else { return [] }
        return [style.paint("MISSING from this sandbox:", .loud)]
            + missing.flatMap { component in
                let reason = component.reason.printableLines
                return ["  \(style.paint(component.component, .red)): \(reason.first ?? "")"]
                    + reason.dropFirst().map { "    \($0)" }
            }
    }

    private func loginLines(_ style: Style, _ password: Secret?) -> [String] {
        let jupyter = "JupyterLab: http://<address of the machine>:\(jupyterPort)/lab"
        if hasOlderPassword {
            return ["log in as \(user) with the default password that was set when they were built"]
        }
        guard let password else {
            return ["log in as \(user) with your default password; the first login asks for a new one", jupyter]
        }
        return [
            "log in as \(user) with the password \(style.paint(password.reveal, .bold))",
            "  (made for this build, shown only here; the first login asks for a new one)",
            jupyter,
        ]
    }
}

extension String {
    /// The lines of a rendered table, without the break behind the last.
    var printableTable: [String] {
        split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

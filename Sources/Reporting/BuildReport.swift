import Sandbox

/// Facts that all renderings of a report share.
extension BuildReport {
    /// Whether no stage had to run because the images of an earlier build are still up to date.
    var isUpToDate: Bool { stages.isEmpty }

    /// Whether the images carry the default password of an earlier build, regardless of the one given to this build.
    var hasOlderPassword: Bool {
        isUpToDate || stages.contains { $0.stage == .seal && $0.outcome == .cached }
    }

    /// Duration of the build; stages run one after another, so it is their sum.
    var seconds: Double { stages.reduce(0) { $0 + $1.seconds } }

    var headline: String {
        if isUpToDate { return "nothing to do: all images of sandbox \(assetID) are up to date" }
        return "built sandbox \(assetID) (\(provider)) in \(Units.time(seconds))"
    }

    /// The command to type next: it verifies that the image boots.
    var nextCommand: String? {
        if let machineImage {
            return "dss verify-ami --asset-id \(Shell.quoted(assetID.rawValue)) --region \(machineImage.region)"
                + " --ask-default-password"
        }
        return artifacts.first.map { "dss verify-vm \(Shell.quoted($0.location)) --ask-default-password" }
    }

    /// The directory of all artifacts, so that it is not repeated for each of them; `nil` if they differ.
    var directory: String? {
        let directories = Set(artifacts.map { $0.location.directory })
        return directories.count == 1 ? directories.first.flatMap { $0.isEmpty ? nil : $0 } : nil
    }

    /// The table of images.
    ///
    /// - Parameter forRelease: whether to add the purpose of each format and its full digest, which do not fit on a
    ///   terminal.
    func artifactTable(forRelease: Bool) -> Table {
        let start = directory?.count ?? 0
        return Table(
            [
                Table.Column("format"), Table.Column("size", .right), Table.Column("bytes", .right),
                Table.Column("file"),
            ] + (forRelease ? [Table.Column("for"), Table.Column("sha256")] : []),
            rows: artifacts.map { artifact in
                let cells = [
                    artifact.format.rawValue, Units.size(artifact.bytes), Units.exact(artifact.bytes),
                    String(artifact.location.dropFirst(start)),
                ]
                let more = forRelease ? [artifact.format.purpose, artifact.digest] : []
                return (cells + more).map { Table.Cell($0) }
            },
            empty: "no images")
    }
}

extension String {
    /// Everything up to and including the last slash.
    fileprivate var directory: String {
        lastIndex(of: "/").map { String(self[...$0]) } ?? ""
    }
}

extension Artifact {
    /// The known checksum, with the algorithm in front if it is not SHA-256.
    fileprivate var digest: String {
        sha256 ?? crc64.map { "CRC-64/NVME \($0)" } ?? ""
    }
}

enum Shell {
    /// The word quoted for a POSIX shell; unquoted if that is safe.
    static func quoted(_ word: String) -> String {
        let safe = word.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "/._-+:=@,%".unicodeScalars.contains($0))
        }
        guard !safe || word.isEmpty else { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

/// The critical path of a build that ran activities in parallel.
extension BuildReport {
    /// `setup 3 min`, `AMI 10 min`, …: the activities that determined the end of the build, in order; empty if nothing
    /// ran in parallel, because then the stages show it.
    var criticalPath: [String] { hasParallelWork ? described(activities.criticalPath) : [] }

    /// The activities that ran in parallel with the critical path.
    var besideCriticalPath: [String] { hasParallelWork ? described(activities.besideCriticalPath) : [] }

    /// Both as lines for a terminal.
    func pathLines(_ style: Style) -> [String] {
        wrapped("critical path: ", criticalPath, " → ", style)
            + wrapped("in parallel: ", besideCriticalPath, ", ", style)
    }

    private var hasParallelWork: Bool {
        activities.contains { activity in !stages.contains { $0.stage.rawValue == activity.name } }
    }

    private func described(_ some: [Activity]) -> [String] {
        some.map { "\($0.name) \(Units.time($0.seconds))" }
    }

    private func wrapped(_ title: String, _ words: [String], _ separator: String, _ style: Style) -> [String] {
        guard !words.isEmpty else { return [] }
        let separator = style.unicode || separator == ", " ? separator : " > "
        var lines = ["  " + title]
        for (index, word) in words.enumerated() {
            let piece = word + (index + 1 < words.count ? separator : "")
            if (lines[lines.count - 1] + piece).displayWidth > style.width { lines.append("    ") }
            lines[lines.count - 1] += piece
        }
        return lines.map(\.trimmedEnd)
    }
}

extension BuildReport {
    /// The final report on a terminal.
    ///
    /// - Parameter password: the default password if it was generated for this build. A build that was up to date does not
    ///   show it, because its images carry an older one.
    /// - Parameter spelled: returns a command as the user has to type it.
    package func text(
        _ style: Style, password: Secret? = nil, spelled: (String) -> String = { $0 }
    ) -> String {
        let sections = [
            [style.paint(headline, .bold)],
            stageLines(style),
            pathLines(style),
            machineImage.map { ["AMI \(style.paint($0.id, .bold)) in \($0.region): \($0.name)"] } ?? [],
            imageLines(style),
            missingLines(style),
            loginLines(style, password, spelled),
            nextCommand.map { ["next: \(style.paint(spelled($0), .bold))"] } ?? [],
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
            let bar = ProgressBar.filled(longest > 0 && !isCached ? stage.seconds / longest : 0, width: room, style)
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
        guard !artifacts.isEmpty else { return ["no images requested"] }
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

    private func loginLines(_ style: Style, _ password: Secret?, _ spelled: (String) -> String) -> [String] {
        let jupyter = "JupyterLab: http://<address of the machine>:\(jupyterPort)/lab"
        if hasOlderPassword {
            return [
                "log in as \(user) with the default password set when these images were built",
                "  (stored nowhere; if nobody knows it, build anew with --new-password, or set",
                "  another one on a running sandbox: \(spelled("dss reset-password --help")))",
            ]
        }
        guard let password else {
            return ["log in as \(user) with your default password; change it at the first login", jupyter]
        }
        return [
            "log in as \(user) with the password \(style.paint(password.reveal, .bold))",
            "  (generated for this build, stored nowhere; change it at the first login)",
            jupyter,
        ]
    }
}

extension String {
    /// The lines of a rendered table, without the line break after the last one.
    var printableTable: [String] {
        split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

extension BuildReport {
    /// The report as a document: `asset_id`, `provider`, `outcome` (`built` or `up-to-date`), `seconds`, `stages`,
    /// `activities`, `critical_path`, `machine_image` (the AMI), `artifacts`, `missing`, `user`, `jupyter_port`,
    /// `default_password`, `next`.
    ///
    /// - Parameter password: the default password if it was generated for this build. It is stored nowhere, so a
    ///   program that starts a build must read it here, or from the event `password-set` if the build fails later.
    package func json(password: Secret? = nil) -> JSONValue {
        .object(members(password) { $0 })
    }

    /// The last line of the `--json` stream.
    ///
    /// - Parameter spelled: returns a command as the user has to type it.
    package func event(password: Secret? = nil, spelled: (String) -> String = { $0 }) -> String {
        JSONValue.object([("event", .string("report"))] + members(password, spelled)).line + "\n"
    }

    private func members(_ password: Secret?, _ spelled: (String) -> String) -> [(String, JSONValue)] {
        [
            ("asset_id", .string(assetID.rawValue)),
            ("provider", .string(provider)),
            ("outcome", .string(isUpToDate ? "up-to-date" : "built")),
            ("seconds", .seconds(seconds)),
            ("stages", .array(stages.map { .object(StageJSON.members($0.stage, $0.seconds, $0.outcome)) })),
            ("activities", .array(activities.map(\.value))),
            ("critical_path", .array(activities.criticalPath.map { .string($0.name) })),
            ("machine_image", machineImage?.value ?? .null),
            ("artifacts", .array(artifacts.map { .object($0.members) })),
            (
                "missing",
                .array(
                    missing.map {
                        .object([("component", .string($0.component)), ("reason", .string($0.reason))])
                    })
            ),
            ("user", .string(user)),
            ("jupyter_port", .count(jupyterPort)),
            ("default_password", .text(hasOlderPassword ? nil : password?.reveal)),
            ("next", .text(nextCommand.map(spelled))),
        ]
    }
}

extension Activity {
    fileprivate var value: JSONValue {
        .object([("name", .string(name)), ("began", .seconds(began)), ("ended", .seconds(ended))])
    }
}

extension MachineImage {
    fileprivate var value: JSONValue {
        .object([("id", .string(id)), ("name", .string(name)), ("region", .string(region))])
    }
}

extension BuildReport {
    /// The report for a file or a release page, with full digests. It never contains a password, because files persist.
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
                    + (beside.isEmpty ? "" : "\nIn parallel: \(Markdown.escaped(beside)).\n"))
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

import ArgumentParser
import Definition
import Provisioning
import Reporting
import Sandbox
import Workbench

/// `dss pins`
struct PinsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pins",
        abstract: "Check or update pinned package versions",
        subcommands: [Check.self, Update.self])

    struct Check: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check pinned versions against the package index",
            discussion: """
                Lists pinned versions that are gone or outdated, with the versions that are available.

                Exits with 65 if a pinned version is gone: a build without a cache would fail. Exits with 69 if the \
                package index or a Git repository does not answer.

                Example:
                  dss pins check
                """)

        @OptionGroup var definition: DefinitionOptions
        @OptionGroup var output: OutputOptions

        func run(in live: Live) async throws {
            let sandbox = try live.loaded(definition)
            let statuses = try await live.withPackageIndex(of: sandbox.definition.definition, definition) {
                try await $0.check(sandbox.pins.pins)
            }
            live.show(Table.pins(statuses, all: output.verbose), json: output.json)
            let unanswered = statuses.filter { $0.silentRepository != nil }
            for status in unanswered {
                live.standardError.write(Message.error(status.sentence, live.standardError.style))
            }
            if statuses.contains(where: { $0.state == .gone }) { throw ExitCode(Failure.Code.badData.rawValue) }
            if !unanswered.isEmpty { throw ExitCode(Failure.Code.unavailable.rawValue) }
        }
    }

    struct Update: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the newest versions to the pins file",
            discussion: """
                Keeps the comments and the order of the file.

                Example:
                  dss pins update && git diff pins.yaml
                """)

        @OptionGroup var definition: DefinitionOptions

        func run(in live: Live) async throws {
            let sandbox = try live.loaded(definition)
            let file = sandbox.pins
            let updated = try await live.withPackageIndex(of: sandbox.definition.definition, definition) {
                try await $0.update(file.pins)
            }
            try writeAtomically(file.text(with: updated), to: file.absolutePath)
            live.standardOutput.write(
                "\(file.path): \(file.pins.changes(to: updated)) versions changed\n")
        }
    }
}

extension Pins {
    private var flat: [String: String] {
        var versions = apt.reduce(into: [:]) { $0["apt \($1.key)"] = $1.value }
        for (group, packages) in pip { for (name, version) in packages { versions["pip \(group) \(name)"] = version } }
        for (group, packages) in pipLocked {
            for (name, version) in packages { versions["pip \(group) \(name)"] = version }
        }
        for (name, tag) in git { versions["git \(name)"] = tag }
        return versions
    }

    /// The number of versions that are new, different or gone in `other`.
    func changes(to other: Pins) -> Int {
        Set(flat.keys).union(other.flat.keys).count { flat[$0] != other.flat[$0] }
    }
}

extension Table {
    /// The table of `dss pins check`: pins that are gone or outdated; with `--verbose`, all pins.
    static func pins(_ statuses: [PinStatus], all: Bool) -> Table {
        let shown = statuses.filter { all || $0.state != .current }
        let gone = statuses.filter { $0.state == .gone }.count
        return Table(
            [
                Column("source"), Column("environment", key: "group"), Column("package", key: "name"),
                Column("pinned", fit: .wraps), Column("available", fit: .wraps), Column("state"),
            ],
            rows: shown.map { status in
                [
                    Cell(status.source.rawValue), Cell(status.group ?? ""), Cell(status.name), Cell(status.pinned),
                    Cell(status.available ?? ""), Cell(status.state.rawValue, ink: status.state == .gone ? .red : nil),
                ]
            },
            empty: "all \(statuses.count) pinned versions are up to date",
            notes: gone > 0 ? ["", "to update them, run: dss pins update"] : [])
    }
}

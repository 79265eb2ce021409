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
        abstract: "Check, add or update pinned package versions",
        subcommands: [Check.self, Add.self, Update.self])

    struct Check: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check pinned versions against the package index",
            discussion: """
                Lists pinned versions that are gone or outdated, with the versions that are available, and Python \
                packages that need what is not pinned.

                Exits with 65 if a pinned version is gone or a requirement is not met: a build without a cache would \
                fail. Exits with 69 if the package index or a Git repository does not answer.

                Example:
                  dss pins check
                """)

        @OptionGroup var definition: DefinitionOptions
        @OptionGroup var output: OutputOptions

        func run(in live: Live) async throws {
            let sandbox = try live.loadedWithIncompletePins(definition)
            let statuses = try await live.withPackageIndex(of: sandbox.definition.definition, definition) {
                try await $0.check(sandbox.pins.pins)
            }
            live.show(Table.pins(statuses, all: output.verbose), json: output.json)
            for status in statuses where status.needsSentence {
                let style = live.standardError.style
                let text = live.invocation.spelled(status.sentence(suggesting: DidYouMean.suggestion))
                live.standardError.write(
                    status.isError ? Message.error(text, style) : Message.warning(text, style))
            }
            if statuses.contains(where: { $0.isError && $0.silentRepository == nil }) {
                throw ExitCode(Failure.Code.badData.rawValue)
            }
            if statuses.contains(where: \.isError) { throw ExitCode(Failure.Code.unavailable.rawValue) }
        }
    }

    struct Add: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add packages to the pins file, with all that they need",
            discussion: """
                ENVIRONMENT is 'apt' or a Python environment. A package without a version is added at the newest \
                version that fits the other pins. What it needs is added too, with its hashes. No other version \
                changes; if that is impossible, nothing is written, and the command exits with 65. A package that is \
                there already keeps its version; 'dss pins update' moves it.

                --new-environment creates an environment. Comments and the order of the file are kept.

                Examples:
                  dss pins add apt jq
                  dss pins add datascience pandas==2.3.3
                  dss pins add datascience 'polars>=1.40' --move pyarrow
                """)

        @Argument(help: "'apt', or the Python environment")
        var environment: String

        @Argument(help: "Package with an optional version: htop, htop=3.2.2-2, pandas, 'pandas>=2,<3'")
        var requirement: [String]

        @Option(
            name: .customLong("move"), parsing: .singleValue,
            help: ArgumentHelp("Let the version of another Python package change (repeatable)", valueName: "name"))
        var moving: [String] = []

        @Flag(name: .customLong("new-environment"), help: "Create the environment if there is none of that name")
        var createsEnvironment = false

        @OptionGroup var definition: DefinitionOptions

        @Flag(help: .json)
        var json = false

        func run(in live: Live) async throws {
            let requirements = try requirement.map { try PinRequirement($0) }
            let sandbox = try live.loadedWithIncompletePins(definition)
            let file = sandbox.pins
            try checkEnvironment(in: file)
            let new = requirements.filter { requirement in
                guard let version = file.pins.added(requirement, to: environment) else { return true }
                let name = requirement.name.prefix { $0 != "[" }
                let note = "\(environment) \(name) is there already, at \(version); to move it: dss pins update \(name)"
                live.standardError.write("note: \(live.invocation.spelled(note))\n")
                return false
            }
            guard !new.isEmpty else {
                return live.show(Table.changes(from: file.pins, to: file.pins, in: file.path), json: json)
            }
            let updated = try await live.withPackageIndex(of: sandbox.definition.definition, definition) {
                try await environment == "apt"
                    ? $0.add(debian: new, to: file.pins)
                    : $0.add(new, to: environment, moving: moving, file.pins)
            }
            try live.write(updated, to: file, json: json)
        }

        /// - Throws: `Failure` if there is no such environment, unless it is to be created.
        private func checkEnvironment(in file: PinsFile) throws {
            let known = file.pins.pip.keys + ["apt"]
            if known.contains(environment) || createsEnvironment && environment != "git" { return }
            let meant = DidYouMean.suggestion(for: environment, among: known)
            throw Failure(
                .usage, "\(file.path) has no environment '\(environment)'" + (meant.map { ", \($0)" } ?? ""),
                advice: "its environments are \(known.sorted().joined(separator: ", ")); "
                    + "to create another one, add --new-environment")
        }
    }

    struct Update: DssCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the newest versions to the pins file",
            discussion: """
                Keeps the comments and the order of the file. With names, only the versions of those packages change, \
                in every environment that has them.

                Examples:
                  dss pins update && git diff pins.yaml
                  dss pins update pandas git
                """)

        @Argument(help: "Packages and Git repositories to update (default: all)")
        var names: [String] = []

        @Flag(help: .json)
        var json = false

        @OptionGroup var definition: DefinitionOptions

        func run(in live: Live) async throws {
            let sandbox = try live.loadedWithIncompletePins(definition)
            let file = sandbox.pins
            let updated = try await live.withPackageIndex(of: sandbox.definition.definition, definition) {
                try await $0.update(file.pins, only: names.isEmpty ? nil : names)
            }
            try live.write(updated, to: file, json: json)
        }
    }
}

extension Live {
    /// Writes new pins into their file and prints what changed.
    fileprivate func write(_ updated: Pins, to file: PinsFile, json isJSON: Bool) throws {
        try writeUserFile(file.text(with: updated), to: file.absolutePath)
        show(Table.changes(from: file.pins, to: updated, in: file.path), json: isJSON)
    }
}

extension PinStatus {
    /// Whether the table alone does not say what is wrong.
    fileprivate var needsSentence: Bool {
        silentRepository != nil || [.unlisted, .incomplete, .conflict].contains(state)
    }

    /// Whether a build would fail. A Debian package that the index lacks may come from a repository of a role.
    fileprivate var isError: Bool {
        switch state {
        case .gone, .incomplete, .conflict: true
        case .unlisted: source == .pip
        case .unknown: silentRepository != nil
        case .current, .outdated: false
        }
    }

    fileprivate func sentence(suggesting suggestion: (String, [String]) -> String?) -> String {
        sentence + (suggestion(name, similar).map { "; \($0)" } ?? "")
    }
}

extension Pins {
    /// Source, environment and package → version.
    var flat: [[String]: String] {
        var versions = apt.reduce(into: [:]) { $0[["apt", "", $1.key]] = $1.value }
        for group in Set(pip.keys).union(pipLocked.keys) {
            for (name, version) in self.versions(of: group) { versions[["pip", group, name]] = version }
        }
        for (name, tag) in git { versions[["git", "", name]] = tag }
        return versions
    }

    /// The versions that are new, different or gone in `other`, in order.
    fileprivate func changes(to other: Pins) -> [(pin: [String], from: String?, to: String?)] {
        let (old, new) = (flat, other.flat)
        return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
            .sorted { $0.lexicographicallyPrecedes($1) }.map { ($0, old[$0], new[$0]) }
    }
}

extension Table {
    /// The table of `dss pins add` and `dss pins update`.
    static func changes(from old: Pins, to new: Pins, in file: String) -> Table {
        let changes = old.changes(to: new)
        let count = changes.count == 1 ? "1 version" : "\(changes.count) versions"
        return Table(
            [
                Column("source"), Column("environment", key: "group"), Column("package", key: "name", fit: .wraps),
                Column("before", fit: .wraps), Column("now", fit: .wraps),
            ],
            rows: changes.map { change in
                change.pin.map { Cell($0) } + [Cell(change.from ?? ""), Cell(change.to ?? "")]
            },
            empty: "\(file): 0 versions changed", notes: changes.isEmpty ? [] : ["", "\(file): \(count) changed"])
    }
}

extension Table {
    /// The table of `dss pins check`: pins that are gone or outdated; with `--verbose`, all pins.
    static func pins(_ statuses: [PinStatus], all: Bool) -> Table {
        let shown = statuses.filter { all || $0.state != .current }
        let gone = Set(statuses.filter { $0.state == .gone }.map(\.name)).sorted()
        return Table(
            [
                Column("source"), Column("environment", key: "group"), Column("package", key: "name", fit: .wraps),
                Column("pinned", fit: .wraps), Column("available", fit: .wraps), Column("state"),
            ],
            rows: shown.map { status in
                [
                    Cell(status.source.rawValue), Cell(status.group ?? ""), Cell(status.name), Cell(status.pinned),
                    Cell(status.available ?? ""), Cell(status.state.rawValue, ink: status.isError ? .red : nil),
                ]
            },
            empty: "all \(statuses.count) pinned versions are up to date",
            notes: gone.isEmpty ? [] : ["", "to update them, run: dss pins update \(gone.joined(separator: " "))"])
    }
}

import Reporting
import Sandbox
import Testing
import Workbench

@testable import Provisioning
@testable import dss

@Suite("dss pins")
struct PinsCommandTests {
    private static let pins = Pins(
        distribution: "debian", suite: "bookworm", apt: ["curl": "1", "git": "2"], pip: ["lab": ["six": "1"]],
        pipLocked: [:], git: [:])

    @Test("the table of the pins fits into 80 columns, whatever the names and versions")
    func width() {
        let statuses = [
            PinStatus(
                source: .apt, name: "python3-prometheus-client-and-more", pinned: "1:2.39.5-0+deb12u2~bpo12+1",
                available: "1:2.47.3-0+deb13u1~bpo13+1", state: .incomplete),
            PinStatus(
                source: .pip, group: "datascience", name: "jupyterlab-server-with-a-long-name", pinned: "2.27.3.post1",
                available: "2.28.0", state: .unlisted),
        ]
        let text = Table.pins(statuses, all: true).text(Style(color: false, unicode: true, width: 80))
        let table = text.split(separator: "\n").filter { !$0.hasPrefix("to update") }
        let wide = table.filter { $0.count > 80 }
        #expect(table.count > 4 && wide == [], "\(text)")
    }

    @Test("a mistyped environment is not created")
    func environment() async throws {
        try await with { world in
            let said = await world.dss("pins", "add", "lap", "pandas")
            #expect(said.code == 64)
            #expect(said.errors.contains("pins.yaml has no environment 'lap', did you mean 'lab'?"))
            #expect(said.errors.contains("its environments are apt, lab"))
            let other = await world.dss("pins", "add", "plots", "pandas")
            #expect(other.code == 64 && other.errors.contains("add --new-environment"), "\(other.errors)")
            let git = await world.dss("pins", "add", "git", "x", "--new-environment")
            #expect(git.code == 64, "\(git.errors)")
            // It is looked up, for which this test has no programs.
            let new = await world.dss("pins", "add", "plots", "pandas", "--new-environment")
            #expect(new.code == 70, "\(new.errors)")
        }
    }

    @Test(
        "a package that is there already keeps its version, which is said with the way to move it",
        arguments: [
            ("apt", "curl", "apt curl is there already, at 1; to move it: dss pins update curl"),
            ("apt", "curl=1", "apt curl is there already, at 1; to move it: dss pins update curl"),
            ("lab", "Six==1", "lab Six is there already, at 1; to move it: dss pins update Six"),
        ])
    func already(environment: String, requirement: String, note: String) async throws {
        try await with { world in
            let before = try readText("\(world.directory)/pins.yaml")
            let said = await world.dss("pins", "add", environment, requirement)
            #expect(said.code == 0 && said.output == "pins.yaml: 0 versions changed\n", "\(said)")
            #expect(said.errors == "note: \(note)\n")
            #expect(try readText("\(world.directory)/pins.yaml") == before)
            let other = await world.dss("pins", "add", "apt", "curl=2")
            #expect(other.code == 70, "another version is looked up: \(other.errors)")
        }
    }

    @Test("what is no requirement is refused before anything is looked up")
    func requirement() async throws {
        try await with { world in
            let said = await world.dss("pins", "add", "lab", "pandas; x")
            #expect(said.code == 64 && said.errors.contains("'pandas; x' is not a package with an optional version"))
        }
    }

    @Test("a package that a role installs without a version stops what builds, at once")
    func unpinned() async throws {
        try await with { world in
            let said = await world.dss("create-vm", "--plan")
            #expect(said.code == 65)
            #expect(
                said.errors.contains(
                    "playbook/roles/mytools/defaults/main.yml:1:20: error: htop (role mytools) has no version in "
                        + "pins.yaml, add it: dss pins add apt htop"), "\(said.errors)")
        }
    }

    @Test("the version that is available follows, if the index answers")
    func offered() async throws {
        try await with { world in
            try writeAtomically(
                "mytools_packages: [htop, jq, nosuch]\n",
                to: "\(world.directory)/playbook/roles/mytools/defaults/main.yml")
            var world = world
            world.runner = AptIndex()
            let said = await world.dss("create-vm", "--plan")
            #expect(said.code == 65)
            for line in [
                "nosuch (role mytools) has no version", "htop: 3.2.2-2 is available", "jq: 1.6-2.1 is available",
                "nosuch: not in the package index", "dss pins add apt htop jq\n",
            ] {
                #expect(said.errors.contains(line), "\(said.errors)")
            }
        }
    }

    @Test("the changed versions are listed with their environment, as text and JSON")
    func changes() {
        var new = Self.pins
        new.apt["git"] = "3"
        new.pip["lab"] = ["six": "1", "plot": "2"]
        let table = Table.changes(from: Self.pins, to: new, in: "pins.yaml")
        let text = table.rendered(as: .text, .piped)
        #expect(text.contains(/apt +git +2 +3\n/) && text.contains(/pip +lab +plot +2\n/), "\(text)")
        #expect(text.hasSuffix("pins.yaml: 2 versions changed\n") && !text.contains("six"))
        #expect(table.rendered(as: .json, .piped).contains(#""now": "3""#))
        let same = Table.changes(from: new, to: new, in: "pins.yaml").rendered(as: .text, .piped)
        #expect(same == "pins.yaml: 0 versions changed\n")
    }

    private func with(_ body: (PretendWorld) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let files = [
                "sandbox.yaml": "name: lab\nversion: 0.1.0\n",
                "pins.yaml": "distribution: debian\nsuite: bookworm\napt: {curl: '1'}\npip: {lab: {six: '1'}}\n",
                "playbook/site.yml": "- hosts: all\n  roles: [mytools]\n",
                "playbook/roles/mytools/defaults/main.yml": "mytools_packages: [htop]\n",
            ]
            try makeDirectory("\(folder)/playbook/roles/mytools/defaults")
            for (path, text) in files { try writeAtomically(text, to: "\(folder)/\(path)") }
            try await body(PretendWorld(directory: folder))
        }
    }
}

/// A package index with two packages.
private struct AptIndex: CommandRunner {
    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let table = "htop | 3.2.2-2 | here\n jq | 1.6-2.1 | here\n"
        return CommandOutput(standardOutput: command.arguments.contains("madison") ? table : "")
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await NoPrograms().start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { try await NoPrograms().converse(command, body) }
}

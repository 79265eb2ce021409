import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

@testable import dss

/// Python that found something in the playbook, and programs that succeed.
private struct Finder: CommandRunner {
    var found = #"[{"name": "templates", "count": 3, "errors": []}]"#
    /// Mistakes in tasks, as JSON.
    var errors = "[]"

    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        baseName(command.executable) == "python3"
            ? CommandOutput(standardOutput: found)
            : CommandOutput(standardError: "\u{1e}{\"name\": \"tasks\", \"count\": 7, \"errors\": \(errors)}\n")
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await NoPrograms().start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { try await NoPrograms().converse(command, body) }
}

@Suite("dss check and --plan")
struct CheckTests {
    private func withFolder(_ body: (PretendWorld, String) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            _ = try SandboxFolder(in: folder)
            let environment = ["DSS_CACHE": "\(folder)/cache", "DSS_BUCKET": "\(folder)/b", "DSS_STATE": "\(folder)/s"]
            try await body(PretendWorld(environment: environment, directory: folder, runner: Finder()), folder)
        }
    }

    @Test("a line for everything that was looked at; nothing is written")
    func sound() async throws {
        try await withFolder { world, folder in
            let before = try FileManager.default.subpathsOfDirectory(atPath: folder)
            let said = await world.dss("check")
            #expect(said.code == 0 && said.errors.isEmpty, "\(said)")
            for line in [
                #/definition +1 +ok/#, #/roles +1 +ok/#, #/pins +0 +ok/#, #/templates +3 +ok/#,
                #/Ansible's syntax +1 +ok/#, #/tasks +7 +ok/#, #/next build +starts with base system debian bookworm/#,
            ] { #expect(said.output.contains(line), "\(said.output)") }
            #expect(try FileManager.default.subpathsOfDirectory(atPath: folder) == before)
        }
    }

    @Test("errors are shown with their places in the current directory, with 65")
    func errors() async throws {
        try await withFolder { world, folder in
            var world = world
            let error = "\(folder)/playbook/roles/only/templates/a.j2:3:1: error: invalid Jinja2: x"
            world.runner = Finder(found: #"[{"name": "templates", "count": 3, "errors": ["\#(error)"]}]"#)
            let said = await world.dss("check")
            #expect(said.code == 65 && said.output.contains(#/templates +3 +1 error/#), "\(said)")
            #expect(said.errors == "playbook/roles/only/templates/a.j2:3:1: error: invalid Jinja2: x\n")
            let json = await world.dss("check", "--json")
            #expect(json.code == 65 && json.errors.isEmpty)
            let checks = try #require(json.json["checks"] as? [[String: Any]])
            #expect(checks.map { $0["name"] as? String }.contains("Ansible's syntax"))
            #expect(checks.flatMap { $0["errors"] as? [String] ?? [] }.count == 1)
            let plan = try #require(json.json["plan"] as? [String: Any])
            #expect((plan["parts"] as? [Any])?.count == 5 && (plan["notes"] as? [Any])?.isEmpty == true)
            world.isRoot = true
            world.environment["DSS_DEFAULT_PASSWORD"] = "twelve chars"
            for command in ["create-vm", "create-docker-image"] {
                let build = await world.dss(command)
                #expect(build.code == 65 && build.errors.contains("the playbook has an error"), "\(build)")
            }
        }
    }

    @Test(
        "a build that has something to install refuses mistakes in tasks before it begins",
        arguments: ["create-vm", "create-docker-image"])
    func tasks(command: String) async throws {
        try await withFolder { world, folder in
            var world = world
            world.runner = Finder(errors: #"["\#(folder)/playbook/site.yml:9:5: error: no argument 'dst'"]"#)
            world.isRoot = true
            world.environment["DSS_DEFAULT_PASSWORD"] = "twelve chars"
            let build = await world.dss(command)
            #expect(build.code == 65 && build.errors.contains("the playbook has an error"), "\(build)")
            #expect(build.errors.contains("no argument 'dst'") && !build.errors.contains("setup"), "\(build)")
        }
    }

    @Test(
        "what is neither file nor directory is refused at once, and a link that leads to itself",
        arguments: [["check"], ["create-vm", "--plan"]], ["pipe", "socket", "loop"])
    func irregular(command: [String], kind: String) async throws {
        try await withFolder { world, folder in
            let path = "\(folder)/playbook/roles/only/templates/odd.yml"
            try makeDirectory(parentDirectory(path))
            switch kind {
            case "pipe": #expect(mkfifo(path, 0o600) == 0)
            case "socket": #expect(mknod(path, S_IFSOCK | 0o600, 0) == 0)
            default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
            }
            let said = await world.dss(command)
            #expect(said.code == 65 && said.errors.contains(path), "\(said)")
        }
    }

    @Test("mistakes in the pins keep nobody from looking at the playbook")
    func pins() async throws {
        try await withFolder { world, folder in
            try writeAtomically("distribution: debian\napt: 5\n", to: "\(folder)/pins.yaml")
            let said = await world.dss("check")
            #expect(said.code == 65 && said.errors.contains("pins.yaml:2:6: error: "), "\(said)")
            #expect(said.output.contains("templates") && !said.output.contains("next build"))
            #expect(said.output.contains(#/definition +1 +ok/#) && said.output.contains(#/roles +1 +ok/#))
            #expect(said.output.contains(#/pins +0 +\d+ error/#))
        }
    }

    @Test("create-vm --plan shows every stage to every user", arguments: ["create-vm", "create-docker-image"])
    func plan(command: String) async throws {
        try await withFolder { world, _ in
            let said = await world.dss(command, "--plan", "--json")
            #expect(try await JSONSchema.plan.complaints(about: said.output) == "")
            let rows = try #require(said.json["parts"] as? [[String: Any]], "\(said)")
            #expect(said.code == 0 && rows.allSatisfy { $0["state"] as? String == "build" })
            let stages = rows.compactMap { $0["stage"] as? String }
            #expect(stages.starts(with: ["setup", "install"]) && stages.last == "export")
        }
    }

    @Test("the lines below the table of --plan are in its JSON, too, and in that of dss check")
    func notes() async throws {
        try await withFolder { world, folder in
            let definition = SandboxDefinition(
                name: "small", version: "1.0.0", playbook: .init(file: "/p", pins: "/q", roles: []))
            let order = BuildOrder(assetID: try AssetID("1.0.0"), definition: definition, password: nil)
            let file = Manifest.File(name: order.imageName(.raw), format: .raw, bytes: 1, sha256: nil)
            let manifest = Manifest(order, files: [file], inputs: "others", built: Date(timeIntervalSince1970: 0))
            let path = "\(folder)/b/data_science_sandbox/1.0.0"
            try makeDirectory(path)
            try writeAtomically(try manifest.json, to: "\(path)/\(Manifest.fileName)")
            let note = "replacing the images of an earlier build of 1.0.0 (raw)"
            let text = await world.dss("create-vm", "--plan")
            #expect(text.code == 0 && text.output.contains(note), "\(text)")
            let json = await world.dss("create-vm", "--plan", "--json")
            #expect(try await JSONSchema.plan.complaints(about: json.output) == "")
            let notes = json.json["notes"] as? [String] ?? []
            let replacements = notes.filter { $0.hasPrefix(note) }
            #expect(replacements.count == 1, "\(json)")
            let checked = await world.dss("check", "--json")
            #expect((checked.json["plan"] as? [String: Any])?["notes"] as? [String] == notes, "\(checked)")
        }
    }

    @Test("--plan ends as the build would: refused, where a machine is in the way, or none was kept")
    func refused() async throws {
        try await withFolder { world, folder in
            let none = await world.dss("create-vm", "--plan", "--resume", "--asset-id", "1")
            #expect(none.code == 65 && none.output.contains("base system"), "\(none)")
            #expect(none.errors.contains("no machine of '1' that was kept"), "\(none)")
            #expect(none.errors.contains("sudo dss create-vm --asset-id 1 --keep-on-failure"), "\(none)")
            try makeDirectory("\(folder)/b/data_science_sandbox")
            try writeAtomically("mine", to: "\(folder)/b/data_science_sandbox/1")
            for command in ["create-vm", "create-docker-image"] {
                let json = await world.dss(command, "--plan", "--asset-id", "1", "--json")
                #expect(json.code == 65 && json.json["event"] as? String == "failure", "\(json)")
            }
            #expect(await world.dss("create-vm", "--plan", "--asset-id", "2", "--json").code == 0)
        }
    }

    @Test("--plan is for builds on this host")
    func planOnAWS() async {
        let said = await PretendWorld().dss("create-vm", "--plan", "--provider", "aws")
        #expect(said.code == 64 && said.errors.contains("--plan works with --provider local only"), "\(said.errors)")
    }
}

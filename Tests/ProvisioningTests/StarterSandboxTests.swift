import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("dss init")
struct StarterSandboxTests {
    private func write(_ folder: String) throws {
        try StarterSandbox(from: PlaybookCheckTests.root, in: folder).write()
    }

    @Test("copies the sandbox under the name of its folder, with a role before tidy and a notebook")
    func files() async throws {
        try await withTemporaryDirectory { parent in
            let folder = "\(parent)/my-lab"
            try write(folder)
            let definition = try readText("\(folder)/sandbox.yaml")
            #expect(
                definition.hasPrefix("# The definition of this sandbox;") && definition.contains("\nname: my-lab\n"))
            let roles = try readText("\(folder)/playbook/site.yml").matches(of: /- role: (\w+)/).map { $0.1 }
            #expect(roles.suffix(3) == ["notebooks", "mytools", "tidy"])
            #expect(try readText("\(folder)/pins.yaml") == readText("\(PlaybookCheckTests.root)/pins.yaml"))
            // Each package of the role needs a version in the pins.
            #expect(try readText("\(folder)/playbook/roles/mytools/defaults/main.yml").contains("- unzip\n"))
            #expect(try readText("\(folder)/pins.yaml").contains("\n  unzip: "))
            #expect(FileManager.default.isExecutableFile(atPath: "\(folder)/playbook/roles/mytools/files/hello"))
            // `dss inspect` knows what the role installs.
            let installed = try readText("\(folder)/playbook/roles/mytools/tasks/main.yml")
                .matches(of: /dest: (\S+)/).map { String($0.1) }
            let declared = try readText("\(folder)/playbook/roles/mytools/files.txt").split(separator: "\n").map(
                String.init)
            #expect(!installed.isEmpty && Set(installed).isSubset(of: declared))
            let readme = try readText("\(folder)/README.md")
            #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count <= 11)
        }
    }

    @Test("what it writes passes the check", .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"))
    func sound() async throws {
        try await withTemporaryDirectory { folder in
            try write("\(folder)/a")
            let check = PlaybookCheck(
                runner: SystemCommandRunner(), python: PlaybookCheckTests.python, ansible: "ansible-playbook")
            try await check.requireSound(.init(file: "\(folder)/a/playbook/site.yml", pins: "", roles: []))
        }
    }

    @Test("a file in the way is named, and nothing is written", arguments: ["sandbox.yaml", "playbook", ".gitignore"])
    func refusal(name: String) async throws {
        try await withTemporaryDirectory { folder in
            try writeAtomically("mine", to: "\(folder)/\(name)")
            let failure = #expect(throws: Failure.self) { try write(folder) }
            #expect(failure?.code == .badData && failure?.message == "\(folder)/\(name) already exists")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [name])
        }
    }

    @Test("a folder whose name is no name of a sandbox is called my-sandbox, and a folder without one is refused")
    func names() async throws {
        try await withTemporaryDirectory { folder in
            try write("\(folder)/-")
            #expect(try readText("\(folder)/-/sandbox.yaml").contains("\nname: my-sandbox\n"))
            let failure = #expect(throws: Failure.self) {
                try StarterSandbox(from: "/nonexistent", in: "\(folder)/b").write()
            }
            #expect(failure?.message == "/nonexistent is not the folder of a sandbox: it has no sandbox.yaml")
        }
    }
}

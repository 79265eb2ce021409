import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

/// What CodeBuild runs, held against the real program.
@Suite("Buildspecs")
struct BuildspecTests {
    struct Buildspec: Decodable {
        struct Phase: Decodable { var commands: [String] }
        var version: Double
        var phases: [String: Phase]

        var commands: [String] { phases.values.flatMap(\.commands) }
    }

    static let names = ["buildspec", "buildspec_release"]

    static func read(_ name: String) async throws -> Buildspec {
        let said = try await python(
            "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)", path(name))
        return try JSONDecoder().decode(Buildspec.self, from: Data(said.utf8))
    }

    static func path(_ name: String) -> String { PythonProcess.root.path() + "aws-code-build/ci/\(name).yaml" }

    static func python(_ words: String...) async throws -> String {
        let program = PythonProcess.root.path() + ".venv-aws/bin/python"
        let said = try await SystemCommandRunner().execute(Command(program, ["-c"] + words))
        try #require(said.status.isSuccess, "\(said.standardError)")
        return said.standardOutput
    }

    /// The calls of `dss` in it, as a shell takes its lines apart.
    static func calls(of name: String) async throws -> [[String]] {
        let script = """
            import json, os, shlex, sys, yaml
            os.environ |= {"DSS_ASSET_ID": "0.1.0", "DSS_RELEASE_ID": "42"}
            calls, call = [], None
            breaks = {";", "&&", "||", "|", "then", "else", "do", "if", "!"}
            for phase in yaml.safe_load(open(sys.argv[1]))["phases"].values():
                for command in phase["commands"]:
                    last, call = ";", None
                    for word in shlex.shlex(command.replace("\\n", " ; "), posix=True, punctuation_chars=True):
                        if last in breaks and word.rsplit("/", 1)[-1] == "dss":
                            calls.append(call := [])
                        elif word in breaks:
                            call = None
                        elif call is not None:
                            call.append(os.path.expandvars(word))
                        last = word
            json.dump(calls, sys.stdout)
            """
        let said = try await python(script, path(name))
        return try JSONDecoder().decode([[String]].self, from: Data(said.utf8))
    }

    @Test("dss accepts every command line in them", arguments: names)
    func commandLines(name: String) async throws {
        let calls = try await Self.calls(of: name).filter { !$0.isEmpty }
        try #require(!calls.isEmpty)
        for call in calls {
            // Without a definition and an account it gets as far as both, and no option is the reason why it ends.
            let said = try await withTemporaryDirectory { try await ReleasePublisher.dss(call, in: $0) }
            #expect(!said.status.isSuccess && said.errors.hasPrefix("dss: error: "), "\(call): \(said.errors)")
            #expect(!said.errors.contains("Usage:"), "\(call): \(said.errors)")
        }
        let wrong = try await ReleasePublisher.dss(calls[0] + ["--no-such-option"], in: "/tmp")
        #expect(wrong.status == .exited(64) && wrong.errors.contains("Usage:"), "the comparison sees nothing")
    }

    @Test("the release does all its steps, in order")
    func steps() async throws {
        let calls = try await Self.calls(of: "buildspec_release").compactMap(\.first)
        var seen: [String] = []
        for call in calls where seen.last != call { seen.append(call) }
        #expect(
            seen == [
                "release", "whoami", "create-vm", "create-docker-image", "make-ami-public", "update-release",
                "publish-index", "show-aws-assets",
            ])
    }

    @Test("nothing in them prints secrets", arguments: names)
    func secrets(name: String) async throws {
        for command in try await Self.read(name).commands {
            let words = command.split { " \n;".contains($0) }
            for traitor in ["env", "printenv", "export", "declare", "-x", "-ex"] {
                #expect(!words.contains { $0 == traitor }, "\(command)")
            }
            #expect(!command.contains("GH_TOKEN") && !command.contains("DSS_DEFAULT_PASSWORD"), "\(command)")
        }
    }

    @Test("shells can parse every command in them", arguments: names)
    func shells(name: String) async throws {
        for command in try await Self.read(name).commands {
            let said = try await SystemCommandRunner().execute(Command("bash", ["-n", "-c", command]))
            #expect(said.status.isSuccess, "\(command): \(said.standardError)")
        }
    }

    @Test(
        "what is public follows from the wish, variant and registry",
        arguments: [
            (
                "full", "", "secret",
                ["create-docker-image --publish", "make-ami-public", "update-release", "publish-index"]
            ),
            ("full", "", "", ["create-docker-image", "make-ami-public", "update-release none", "publish-index"]),
            ("private-images", "", "", ["create-docker-image", "update-release none", "publish-index"]),
            ("rehearsal", "", "secret", ["create-docker-image", "update-release none"]),
            ("full", "big", "secret", ["make-ami-public", "publish-index"]),
        ])
    func publicity(_ wish: String, _ variant: String, _ password: String, _ expected: [String]) async throws {
        // The real commands of the phase in a real shell, with a dss that only notes how it is called.
        let commands = try #require(try await Self.read("buildspec_release").phases["build"]).commands
        try await withTemporaryDirectory { folder in
            let stub = "#!/bin/sh\necho \"$*\" >> \(folder)/calls\n"
            try writeAtomically(stub, to: "\(folder)/dss", mode: 0o755)
            let variables = [
                "PATH=\(folder):/usr/bin:/bin", "DSS_ASSET_ID=0.1.0", "DSS_RELEASE_ID=42",
                "DSS_RELEASE_PUBLICITY=\(wish)", "DSS_BUILD_VARIANT=\(variant)", "DOCKER_REGISTRY_PASSWORD=\(password)",
            ]
            for command in commands {
                let said = try await SystemCommandRunner().execute(
                    Command("env", ["-i"] + variables + ["bash", "-c", command]))
                #expect(said.status.isSuccess, "\(said.standardError)")
            }
            let calls = try readText("\(folder)/calls").split(separator: "\n").dropFirst().map { line in
                let words = line.split(separator: " ").map(String.init)
                return ([words[0]] + words.filter { ["--publish", "none"].contains($0) }).joined(separator: " ")
            }
            #expect(calls == expected)
        }
    }
}

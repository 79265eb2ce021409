import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Sandbox
import Testing
import Workbench

@testable import Releasing

/// The real program and the emulator's CodeBuild, whose builds go a step further with every look.
@Suite("dss start-release-build", .serialized, .timeLimit(.minutes(5)))
struct ReleaseBuildTests {
    @Test("a successful build prints phases and log lines, then the result")
    func success() async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_lines": ["one", "two \u{1B}[31mred", "three"]]) { lab in
            let said = try await lab.start()
            #expect(said.status == .exited(0), "\(said.errors)")
            let lines = said.errors.split(separator: "\n").map(String.init)
            let places = ["  one", "  two red", "  three", "  [Container] Build ended: SUCCEEDED"]
                .map { lines.firstIndex(of: $0) }
            #expect(!places.contains(nil) && places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(lines)")
            #expect(lines.first == "started \(try await lab.onlyBuild().id)")
            #expect(lines.contains("BUILD SUCCEEDED after 1.0 s"))
            #expect(Set(lines).count == lines.count, "nothing is told twice: \(lines)")
            #expect(said.output.contains("1.0.0     succeeded"))
        }
    }

    @Test("what CodeBuild is asked for: the branch, the ids, and the password by the name of its secret alone")
    func request() async throws {
        try await ReleaseBuildFixture.with { lab in
            let said = try await lab.dss(
                ReleaseBuildFixture.words + ["--asset-id", "x.1", "--no-wait", "--json"],
                adding: ["DSS_DEFAULT_PASSWORD": "in-the-clear"])
            #expect(said.status == .exited(0), "\(said.errors)")
            let build = try await lab.onlyBuild()
            #expect(said.builds.first?["id"] as? String == build.id)
            #expect(build.sourceVersion == "main")
            let variables = (build.environment?.environmentVariables ?? []).filter { $0.name.hasPrefix("DSS_") }
            #expect(
                Set(variables.map { "\($0.name)=\($0.value) \($0.type ?? "")" }) == [
                    "DSS_ASSET_ID=x.1 PLAINTEXT", "DSS_RELEASE_ID=42 PLAINTEXT",
                    "DSS_RELEASE_PUBLICITY=full PLAINTEXT",
                    "DSS_DEFAULT_PASSWORD=\(ReleaseBuildFixture.password) SECRETS_MANAGER",
                ])
            #expect(!(said.output + said.errors).contains("in-the-clear"))
            #expect(try await lab.count("GetLogEvents") == 0, "it was not to be followed")
        }
    }

    @Test(
        "how a build ends is the exit code",
        arguments: [("FAILED", 1), ("FAULT", 69), ("TIMED_OUT", 75), ("STOPPED", 130)])
    func failures(status: String, code: Int32) async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_status": status, "build_lines": ["it broke here"]]) { lab in
            let said = try await lab.start()
            #expect(said.status == .exited(code), "\(said.errors)")
            #expect(said.errors.contains("  | it broke here\n"), "\(said.errors)")
            #expect(said.errors.contains("BUILD: \(status)"))
            #expect(said.errors.contains("full log: https://"))
            let json = try await lab.start("--json")
            #expect(json.status == .exited(code))
            #expect(json.json["outcome"] as? String == status)
        }
    }

    @Test("an invalid upload URL, or one of another repository, starts nothing")
    func wrongURL() async throws {
        try await ReleaseBuildFixture.with { lab in
            let cases = [
                ("https://github.com/exasol/data-science-sandbox/releases/tag/1.0.0", "is not the upload URL"),
                ("https://uploads.github.com/repos/exasol/data-science-sandbox/releases/x/assets", "is not the upload"),
                ("https://uploads.github.com/repos/somebody/else/releases/42/assets{?name,label}", "somebody/else"),
            ]
            for (url, text) in cases {
                let said = try await lab.dss(["start-release-build", "--upload-url", url, "--branch", "main"])
                #expect(said.status == .exited(64))
                #expect(said.errors.contains(text), "\(said.errors)")
            }
            let branch = try await lab.dss(
                ["start-release-build", "--upload-url", ReleaseBuildFixture.uploadURL, "--branch", "--upload"])
            #expect(branch.status == .exited(64))
            #expect(try await lab.count("StartBuild") == 0)
        }
    }

    @Test("the number of the release, wherever the server is")
    func uploadURLs() throws {
        let enterprise = "https://github.example.com/api/uploads/repos/a/b/releases/7/assets{?name,label}"
        #expect(try UploadURL(enterprise).releaseID == 7)
        #expect(try UploadURL("https://uploads.github.com/repos/a/b/releases/8/assets?name=x").releaseID == 8)
        #expect(try UploadURL(ReleaseBuildFixture.uploadURL).repository.description == "exasol/data-science-sandbox")
    }

    @Test("without its stack, the command that creates it is printed")
    func noStack() async throws {
        try await ReleaseBuildFixture.with { lab in
            let said = try await lab.start("--region", "us-west-2")
            #expect(said.status == .exited(69))
            #expect(
                said.errors.contains("dss setup-release-codebuild', then this command again"), "\(said.errors)")
        }
    }

    @Test("throttling, broken answers and lost connections while it follows are survived")
    func trouble() async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_lines": ["one", "two", "three"]]) { lab in
            let faults: [[String: Any]] = [
                ["kind": "throttle", "service": "logs", "action": "GetLogEvents", "times": 2],
                ["kind": "reset", "service": "codebuild", "action": "BatchGetBuilds", "times": 2, "after": 1],
                ["kind": "503", "service": "codebuild", "action": "BatchGetBuilds", "times": 7, "after": 3],
                ["kind": "applied-then-reset", "service": "codebuild", "action": "StartBuild"],
            ]
            try await lab.emulator.control(["faults": faults])
            let said = try await lab.start()
            #expect(said.status == .exited(0), "\(said.errors)")
            for line in ["  one\n", "  two\n", "  three\n"] { #expect(said.errors.contains(line), "\(said.errors)") }
            #expect(try await lab.builds().count == 1, "one answer was lost, one build was started")
        }
    }

    @Test("an unreadable log is reported once, and the build is still followed")
    func noLog() async throws {
        try await ReleaseBuildFixture.with { lab in
            let fault: [String: Any] = [
                "kind": "denied", "service": "logs", "action": "GetLogEvents", "times": NSNull(),
            ]
            try await lab.emulator.control(["faults": [fault]])
            let said = try await lab.start()
            #expect(said.status == .exited(0), "\(said.errors)")
            #expect(said.errors.components(separatedBy: "cannot read the log").count == 2, "\(said.errors)")
            try await lab.emulator.control(["clear": ["faults"]])
        }
    }

    @Test("Ctrl-C on a terminal asks whether the build is to be stopped", arguments: [true, false])
    func asked(stops: Bool) async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_polls": 100_000]) { lab in
            let seen = try await lab.atTerminal(ReleaseBuildFixture.words) { program in
                try await lab.untilFollowed()
                try await program.send("\u{3}")
                _ = try await program.expect("as well? [y/N]")
                try await program.send(stops ? "y" : "n")
            }
            #expect(seen.contains("rc=130"), "\(seen)")
            let build = try await lab.onlyBuild()
            #expect(build.buildStatus == (stops ? "STOPPED" : "IN_PROGRESS"))
            #expect(seen.contains("aws codebuild stop-build --region eu-central-1 --id") == !stops, "\(seen)")
        }
    }

    @Test(
        "without a terminal a signal leaves the build and tells the command that stops it",
        arguments: [SIGINT, SIGTERM])
    func signaled(_ signal: Int32) async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_polls": 100_000]) { lab in
            let said = try await lab.start(interruptedBy: signal)
            #expect(said.code == 128 + SIGINT, "\(said.errors)")
            let build = try await lab.onlyBuild()
            #expect(build.buildStatus == "IN_PROGRESS")
            let line = "is still running; stop it with: aws codebuild stop-build --region eu-central-1 --id \(build.id)"
            #expect(said.errors.contains(line), "\(said.errors)")
        }
    }

    @Test("the profile that the tests are given stands for the role of the container")
    func profile() async throws {
        let commands = try #require(try await BuildspecTests.read("buildspec").phases["build"]).commands
        let setup = try #require(commands.first { $0.contains(".aws/config") })
        try #require(commands.contains { $0.hasPrefix("AWS_PROFILE=codebuild make test") })
        try await ReleaseBuildFixture.with { lab in
            let made = try await SystemCommandRunner().execute(
                Command("env", ["HOME=\(lab.folder)", "bash", "-c", setup]))
            #expect(made.status.isSuccess, "\(made.standardError)")
            var environment = lab.environment.filter {
                !$0.key.hasPrefix("AWS_ACCESS") && !$0.key.hasPrefix("AWS_SECRET")
            }
            environment["AWS_PROFILE"] = "codebuild"
            environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "\(lab.emulator.url)/container-credentials"
            let said = try await Program.run(["whoami", "--json"], environment, in: lab.folder)
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(said.output.contains("emulator-container-role"), "\(said.output)")
        }
    }

    @Test("builds are found by asset id and stopped with its other assets")
    func assets() async throws {
        try await ReleaseBuildFixture.with(knobs: ["build_polls": 100_000]) { lab in
            let said = try await lab.start("--asset-id", "found.1", "--no-wait")
            let id = said.output.trimmingCharacters(in: .newlines)
            let shown = try await lab.dss(["show-aws-assets", "--asset-id", "found.1", "--json"])
            #expect(shown.output.contains(id), "\(shown.output)\(shown.errors)")
            let removed = try await lab.dss(["delete-aws-assets", "--asset-id", "found.1", "--yes"])
            #expect(removed.status == .exited(0), "\(removed.errors)")
            #expect(try await lab.onlyBuild().buildStatus == "STOPPED")
        }
    }
}

extension ReleaseBuildTests {
    @Suite("dss start-release-build --matrix")
    struct Matrix {
        private static let variants = """
            variants:
              big: {disk.size: 16GiB, playbook.variables.jupyter_Theme: dark}
              arm: {base.architecture: arm64, formats: [vmdk, qcow2]}
            """

        @Test("one build for the definition and each variant, told apart, and one table")
        func success() async throws {
            try await ReleaseBuildFixture.with(extraLines: Self.variants) { lab in
                let said = try await lab.start("--matrix")
                #expect(said.status == .exited(0), "\(said.errors)")
                for label in ["plain", "big", "arm"] {
                    #expect(said.errors.contains("\(label) |   [Container] Build ended: SUCCEEDED"), "\(said.errors)")
                    #expect(said.output.contains("\n\(label) "), "\(said.output)")
                }
                let known = [
                    "DSS_ASSET_ID", "DSS_BUILD_VARIANT", "DSS_DISK_SIZE", "DSS_BASE_ARCHITECTURE", "DSS_FORMATS",
                    "DSS_PLAYBOOK_VARIABLES_jupyter_Theme",
                ]
                let sets = try await lab.builds().map { build in
                    Set(
                        (build.environment?.environmentVariables ?? []).filter { known.contains($0.name) }
                            .map { "\($0.name)=\($0.value)" })
                }
                #expect(
                    Set(sets) == [
                        ["DSS_ASSET_ID=1.0.0"],
                        [
                            "DSS_ASSET_ID=1.0.0-big", "DSS_BUILD_VARIANT=big", "DSS_DISK_SIZE=16GiB",
                            "DSS_PLAYBOOK_VARIABLES_jupyter_Theme=dark",
                        ],
                        [
                            "DSS_ASSET_ID=1.0.0-arm", "DSS_BUILD_VARIANT=arm", "DSS_BASE_ARCHITECTURE=arm64",
                            "DSS_FORMATS=vmdk,qcow2",
                        ],
                    ])
            }
        }

        @Test("a failed build fails the whole, and the others complete")
        func oneFails() async throws {
            let knobs: [String: Any] = ["build_statuses": ["1.0.0-big": "FAILED"]]
            try await ReleaseBuildFixture.with(knobs: knobs, extraLines: Self.variants) { lab in
                let said = try await lab.start("--matrix", "--json")
                #expect(said.status == .exited(1), "\(said.errors)")
                #expect(said.json["outcome"] as? String == "FAILED")
                #expect(said.builds.map { $0["asset_id"] as? String } == ["1.0.0", "1.0.0-big", "1.0.0-arm"])
                #expect(said.builds.map { $0["outcome"] as? String } == ["SUCCEEDED", "FAILED", "SUCCEEDED"])
                let text = try await lab.start("--matrix")
                #expect(text.errors.contains("dss: error: 1 of 3 builds did not succeed\n  big: "), "\(text.errors)")
            }
        }

        @Test("if one cannot start, the started ones are stopped")
        func oneIsNotStarted() async throws {
            try await ReleaseBuildFixture.with(knobs: ["build_polls": 100_000], extraLines: Self.variants) { lab in
                let fault: [String: Any] = [
                    "kind": "denied", "service": "codebuild", "action": "StartBuild", "after": 2,
                ]
                try await lab.emulator.control(["faults": [fault]])
                let said = try await lab.start("--matrix")
                #expect(said.status == .exited(77), "\(said.errors)")
                #expect(try await lab.builds().map(\.buildStatus) == ["STOPPED", "STOPPED"])
            }
        }

        @Test("without variants, or with an invalid one, nothing is started")
        func wrongVariants() async throws {
            try await ReleaseBuildFixture.with { lab in
                let said = try await lab.start("--matrix")
                #expect(said.status == .exited(65) && said.errors.contains("defines no variants"), "\(said.errors)")
            }
            try await ReleaseBuildFixture.with(extraLines: "variants: {arm: {base.architecture: arm64}}") { lab in
                let said = try await lab.start("--matrix")
                #expect(said.status == .exited(65), "\(said.errors)")
                #expect(said.errors.contains("variant 'arm' is invalid"), "\(said.errors)")
                #expect(said.errors.contains("requires BIOS firmware"), "\(said.errors)")
                #expect(try await lab.count("StartBuild") == 0)
            }
        }
    }
}

extension ReleaseBuildTests {
    @Suite("dss start-test-release-build")
    struct Rehearsals {
        private static func words(_ hub: FakeGitHub, _ more: String...) -> [String] {
            [
                "start-test-release-build", "--branch", "feature/12", "--release-title", "Rehearsal", "--repository",
                hub.repository.description, "--github-url", hub.url,
            ] + more
        }

        private static let token = ["GH_TOKEN": FakeGitHub.writer]

        @Test("a draft is created and built under its own asset id; nothing is public")
        func rehearsal() async throws {
            let hub = try await FakeGitHub()
            try await ReleaseBuildFixture.with { lab in
                let said = try await lab.dss(Self.words(hub, "--json"), adding: Self.token)
                #expect(said.status == .exited(0), "\(said.errors)")
                let draft = try #require(
                    try await hub.with { try await $0.releases() }.first { $0.title == "Rehearsal" })
                #expect(draft.isDraft && draft.tag == "1.0.0-test")
                #expect(said.errors.contains("draft release \(draft.page)"))
                #expect(said.json["release_id"] as? Int == draft.id)
                let build = try await lab.onlyBuild()
                let variables = build.environment?.environmentVariables ?? []
                #expect(
                    variables.contains(.init(name: "DSS_ASSET_ID", value: "1.0.0-test-\(draft.id)", type: "PLAINTEXT")))
                #expect(variables.contains(.init(name: "DSS_RELEASE_PUBLICITY", value: "rehearsal", type: "PLAINTEXT")))
                #expect(build.sourceVersion == "feature/12")
                #expect(!(said.output + said.errors).contains("ghp_"))
            }
        }

        @Test("if the build cannot start, the draft is removed")
        func notStarted() async throws {
            let hub = try await FakeGitHub()
            try await ReleaseBuildFixture.with { lab in
                let fault: [String: Any] = ["kind": "denied", "service": "codebuild", "action": "StartBuild"]
                try await lab.emulator.control(["faults": [fault]])
                let said = try await lab.dss(Self.words(hub), adding: Self.token)
                #expect(said.status == .exited(77), "\(said.errors)")
                #expect(try await hub.with { try await $0.releases() }.map(\.title) == ["First"])
            }
        }

        @Test("a failed rehearsal keeps its draft; without a token, none is created")
        func failed() async throws {
            let hub = try await FakeGitHub()
            try await ReleaseBuildFixture.with(knobs: ["build_status": "FAILED"]) { lab in
                let tokenless = try await lab.dss(Self.words(hub))
                #expect(tokenless.status == .exited(77) && tokenless.errors.contains("GH_TOKEN"))
                let said = try await lab.dss(Self.words(hub), adding: Self.token)
                #expect(said.status == .exited(1), "\(said.errors)")
                #expect(try await hub.with { try await $0.releases() }.count == 2)
            }
        }
    }
}

extension ReleaseBuildFixture {
    func builds() async throws -> [CodeBuild.Build] {
        try await withHTTPTransport { transport in
            let client = emulator.client(transport)
            let ids = try await client.call(CodeBuild.ListBuildsForProject(projectName: Self.stack)).ids ?? []
            return try await client.call(CodeBuild.BatchGetBuilds(ids: ids)).builds ?? []
        }
    }

    func onlyBuild() async throws -> CodeBuild.Build {
        let all = try await builds()
        try #require(all.count == 1)
        return all[0]
    }
}

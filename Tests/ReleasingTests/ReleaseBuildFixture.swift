import AWSCore
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

/// Somebody who builds releases on CodeBuild with the real program: an account with the stack of the release, and a
/// folder with a definition.
struct ReleaseBuildFixture: Sendable {
    let emulator: AWSEmulator
    let folder: String

    static let stack = "DATA-SCIENCE-SANDBOX-RELEASE-CODEBUILD"
    static let password = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:password-AbCdEf"
    static let token = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-AbCdEf"
    static let uploadURL =
        "https://uploads.github.com/repos/exasol/data-science-sandbox/releases/42/assets{?name,label}"

    static func with(
        knobs: [String: Any] = [:], extraLines: String = "", _ body: (ReleaseBuildFixture) async throws -> Void
    ) async throws {
        try await AWSEmulator.with { emulator in
            try await withTemporaryDirectory { folder in
                _ = try SandboxFolder(in: folder, extraLines: extraLines)
                let lab = ReleaseBuildFixture(emulator: emulator, folder: folder)
                let said = try await lab.dss(
                    ["setup-release-codebuild", "--yes", "--password-secret", password, "--github-token-secret", token])
                try #require(said.status.isSuccess, "\(said.errors)")
                try await emulator.control(["clear": ["calls"], "knobs": knobs])
                try await body(lab)
            }
        }
    }

    /// Of a release that is there.
    func start(_ more: String...) async throws -> ProgramOutput { try await dss(Self.words + more) }

    static let words = ["start-release-build", "--upload-url", uploadURL, "--branch", "main"]

    func dss(_ words: [String], adding environment: [String: String] = [:]) async throws -> ProgramOutput {
        try await Program.run(words, self.environment.merging(environment) { $1 }, in: folder)
    }

    func atTerminal(
        _ words: [String], talk: @escaping @Sendable (PromptSession) async throws -> Void
    ) async throws -> String {
        try await Program.atTerminal(words, environment, in: folder, talk: talk)
    }

    /// The program without a terminal, which gets a signal when it has looked at its build.
    func start(interruptedBy signal: Int32) async throws -> (code: Int32, errors: String) {
        let program = Process()
        program.executableURL = URL(filePath: "/usr/bin/env")
        program.arguments = Program.command(Self.words, environment).arguments
        program.currentDirectoryURL = URL(filePath: folder)
        let log = "\(folder)/errors"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        program.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        program.standardInput = FileHandle.nullDevice
        program.standardOutput = FileHandle.nullDevice
        try program.run()
        try await untilFollowed()
        kill(program.processIdentifier, signal)
        while program.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        return (program.terminationStatus, try readText(log))
    }

    var environment: [String: String] {
        emulator.environment(home: folder).merging([
            "AWS_POLL_DELAY_SECONDS": "0.02", "TERM": "xterm", "LANG": "C.UTF-8",
        ]) { $1 }
    }

    func count(_ action: String) async throws -> Int { try await emulator.count(action) }

    /// Waits until the program has looked at its build.
    func untilFollowed() async throws {
        while try await count("GetLogEvents") == 0 { try await Task.sleep(for: .milliseconds(20)) }
    }
}

extension ProgramOutput {
    var builds: [[String: Any]] { json["builds"] as? [[String: Any]] ?? [] }
}

import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Testing
import Workbench

/// Somebody who sets up an account with the real program, and an AWS for them.
struct Administrator: Sendable {
    let home: String
    let emulator: AWSEmulator

    struct Said: Sendable {
        var status: Workbench.ExitStatus
        var output: String
        var errors: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
        }
        var outputs: [String: String] { json["outputs"] as? [String: String] ?? [:] }
    }

    /// Not the one of other tests: stacks that fail here must not fail there.
    private static let own = Task { try AWSEmulator() }

    static func with<Result>(
        knobs: [String: Any] = [:], _ body: (Administrator) async throws -> Result
    ) async throws -> Result {
        let emulator = try await own.value
        try await emulator.control(["reset": true, "knobs": knobs])
        return try await withTemporaryDirectory { try await body(Administrator(home: $0, emulator: emulator)) }
    }

    func set(_ knobs: [String: Any]) async throws {
        try await emulator.control(["knobs": knobs])
    }

    @discardableResult
    func dss(_ arguments: String...) async throws -> Said { try await run(arguments) }

    @discardableResult
    func run(_ arguments: [String]) async throws -> Said {
        let words = words(arguments)
        let output = try await SystemCommandRunner().execute(Command(words[0], Array(words.dropFirst())))
        return Said(status: output.status, output: output.standardOutput, errors: output.standardError)
    }

    /// The program on a terminal, in a shell that outlives Ctrl-C: `script` takes the user's shell, and not all do.
    /// - Returns: all that it has said.
    func atTerminal(_ arguments: String..., talk: @escaping @Sendable (Conversation) async throws -> Void)
        async throws -> String
    { try await terminal(arguments, talk: talk) }

    func terminal(
        _ arguments: [String], talk: @escaping @Sendable (Conversation) async throws -> Void
    ) async throws -> String {
        let line = words(arguments).map(shellQuoted).joined(separator: " ")
        return try await SystemCommandRunner().converse(
            Command(
                "script",
                ["--quiet", "--return", "--command", "trap : INT; stty cols 80; \(line); echo rc=$?", "/dev/null"])
        ) { program in
            try await talk(program)
            while try await program.expect("\n") != nil {}
            return await program.transcript
        }
    }

    private func words(_ arguments: [String]) -> [String] {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path() + "dss"
        let built = PythonProcess.root.path() + ".build/debug/dss"
        let dss = FileManager.default.isExecutableFile(atPath: beside) ? beside : built
        let environment = [
            "HOME=\(home)", "PATH=/usr/bin:/bin", "TERM=xterm", "LANG=C.UTF-8", "AWS_ENDPOINT_URL=\(emulator.url)",
            "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=AKIAEMULATOR00000001",
            "AWS_SECRET_ACCESS_KEY=emulatorSecretKey/0000000000000000000001", "AWS_REGION=eu-central-1",
            "DSS_CHECKIP_URL=\(emulator.url)/checkip",
        ]
        return ["env", "-i"] + environment + [dss] + arguments
    }

    // What is there.

    func stack(_ stack: PermanentStack) async throws -> CloudFormation.Stack? {
        try await withHTTPTransport { transport in
            let url = emulator.url
            let client = AWSClient(
                region: stack.region ?? "eu-central-1",
                world: ClientWorld(
                    transport: transport, credentials: Known(),
                    endpoint: { Endpoint(url: url, signingRegion: $0.endpoint(in: $1).signingRegion) }))
            return try await client.call(CloudFormation.DescribeStacks()).stacks.first { $0.stackName == stack.name }
        }
    }

    /// How often an operation was done.
    func count(_ action: String) async throws -> Int {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.count { $0["action"] as? String == action && $0["applied"] as? Bool == true }
    }
}

private struct Known: CredentialSource {
    func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        Credentials(
            accessKeyID: "AKIAEMULATOR00000001", secretAccessKey: "emulatorSecretKey/0000000000000000000001",
            origin: "test")
    }
}

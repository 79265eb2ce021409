import AWSCore
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// A user with a home directory of their own who runs `dss whoami`, and an emulated AWS.
///
/// Every call is checked for leaked secrets: standard output, standard error, debug log and trace.
struct WhoamiUser: Sendable {
    let home: String
    let emulator: AWSEmulator

    /// The output of a call.
    struct Output: Sendable {
        var status: Workbench.ExitStatus
        var output: String
        var errors: String
        var trace: String

        /// A value of the `--json` output.
        subscript(_ key: String) -> String? { json[key] as? String }

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
        }
    }

    static let key = EmulatorCredentials.id
    static let secret = EmulatorCredentials.secret
    static let keys = "aws_access_key_id = \(key)\naws_secret_access_key = \(secret)\n"
    static let variables = ["AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret]

    /// - Parameter files: paths below the home directory and their contents; `<home>` and `<emulator>` are expanded.
    static func with<Result>(
        config: String? = nil, credentials: String? = nil, files: [String: String] = [:], knobs: [String: Any] = [:],
        _ body: (WhoamiUser) async throws -> Result
    ) async throws -> Result {
        try await AWSEmulator.with(knobs: knobs) { emulator in
            try await withTemporaryDirectory { home in
                let person = WhoamiUser(home: home, emulator: emulator)
                var files = files
                files[".aws/config"] = config
                files[".aws/credentials"] = credentials
                for (path, text) in files { try person.write(text, to: path) }
                return try await body(person)
            }
        }
    }

    func write(_ text: String, to path: String) throws {
        try makeDirectory(parentDirectory("\(home)/\(path)"))
        try writeAtomically(filled(text), to: "\(home)/\(path)", mode: 0o600)
    }

    func read(_ path: String) -> String { (try? readText("\(home)/\(path)")) ?? "" }

    func filled(_ text: String) -> String {
        text.replacing("<home>", with: home).replacing("<emulator>", with: emulator.url)
    }

    /// Runs `dss whoami` with only the given environment variables.
    func command(_ arguments: [String], _ environment: [String: String]) -> [String] {
        let standard = [
            "HOME": home, "PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": emulator.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        let variables = standard.merging(environment.mapValues(filled)) { $1 }.filter { !$0.value.isEmpty }
        let call = Program.command(
            ["whoami"] + arguments + ["--log-level", "debug", "--trace-aws", "\(home)/trace.jsonl"], variables)
        return [call.executable] + call.arguments
    }

    @discardableResult
    func whoami(_ arguments: [String] = [], _ environment: [String: String] = [:]) async throws -> Output {
        let words = command(arguments, environment)
        let output = try await SystemCommandRunner().execute(
            Command(words[0], Array(words.dropFirst()), workingDirectory: home))
        return try await said(output)
    }

    func said(_ output: CommandOutput) async throws -> Output {
        let said = Output(
            status: output.status, output: output.standardOutput, errors: output.standardError,
            trace: read("trace.jsonl"))
        try await expectNoSecret(in: said)
        return said
    }

    /// The secrets of these tests, and the prefix of every token issued by the GitHub emulator.
    private static let ownSecrets = [
        "emulator-sso-token", "emulator-oidc-bearer", "container-sEcReT", "web-sEcReT", "process-sEcReT", "654321",
        "eyJhbGciOiJub25l",
    ]

    private func expectNoSecret(in said: Output) async throws {
        let issued = try await emulator.control([:], .get)["secrets"] as? [String] ?? []
        #expect(issued.contains(Self.secret))
        for secret in issued + Self.ownSecrets {
            for (place, text) in [("output", said.output), ("errors", said.errors), ("trace", said.trace)] {
                #expect(!text.contains(secret), "\(secret) stands in the \(place)")
            }
        }
    }
}

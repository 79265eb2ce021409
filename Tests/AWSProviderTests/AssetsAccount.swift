import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Testing
import Workbench

/// An account with the assets of builds in it, and somebody who counts and removes them with the real program.
struct AssetsAccount: Sendable {
    let home: String
    let emulator: AWSEmulator
    let client: AWSClient

    struct Said: Sendable {
        var status: Workbench.ExitStatus
        var output: String
        var errors: String

        /// The rows of `--json`.
        var rows: [[String: Any]] {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [[String: Any]] ?? []
        }

        func ids(_ type: String) -> [String] {
            rows.filter { $0["type"] as? String == type }.compactMap { $0["id"] as? String }.sorted()
        }

        /// How many there are of each type.
        var counts: [String: Int] {
            rows.reduce(into: [:]) { $0[$1["type"] as? String ?? "", default: 0] += 1 }
        }
    }

    /// Not the one of other tests: everything in the account is counted here.
    private static let own = Task { try AWSEmulator() }
    private static let key = "AKIAEMULATOR00000001"
    private static let secret = "emulatorSecretKey/0000000000000000000001"

    static func with(
        knobs: [String: Any] = [:], versioning: String? = nil, _ body: (AssetsAccount) async throws -> Void
    ) async throws {
        let emulator = try await own.value
        let running: [String: Any] = ["export_polls": 1000, "build_polls": 1000]
        try await emulator.control(["reset": true, "knobs": running.merging(knobs) { $1 }])
        try await withTemporaryDirectory { home in
            try await withHTTPTransport { transport in
                let url = emulator.url
                let client = AWSClient(
                    region: "eu-central-1",
                    world: ClientWorld(
                        transport: transport, credentials: Known(),
                        endpoint: { Endpoint(url: url, signingRegion: $0.endpoint(in: $1).signingRegion) }))
                let account = AssetsAccount(home: home, emulator: emulator, client: client)
                try await account.deployPermanentStacks()
                if let versioning { try await account.setVersioning(versioning) }
                try await body(account)
            }
        }
    }

    @discardableResult
    func dss(_ arguments: String...) async throws -> Said {
        let words = words(arguments)
        let output = try await SystemCommandRunner().execute(
            Command(words[0], Array(words.dropFirst()), workingDirectory: home))
        return Said(status: output.status, output: output.standardOutput, errors: output.standardError)
    }

    func show(_ arguments: String...) async throws -> Said {
        let words = words(["show-aws-assets", "--json"] + arguments)
        let output = try await SystemCommandRunner().execute(
            Command(words[0], Array(words.dropFirst()), workingDirectory: home))
        return Said(status: output.status, output: output.standardOutput, errors: output.standardError)
    }

    func words(_ arguments: [String]) -> [String] {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path() + "dss"
        let built = PythonProcess.root.path() + ".build/debug/dss"
        let dss = FileManager.default.isExecutableFile(atPath: beside) ? beside : built
        let environment = [
            "HOME=\(home)", "PATH=/usr/bin:/bin", "AWS_ENDPOINT_URL=\(emulator.url)", "AWS_EC2_METADATA_DISABLED=true",
            "AWS_ACCESS_KEY_ID=\(Self.key)", "AWS_SECRET_ACCESS_KEY=\(Self.secret)", "AWS_REGION=eu-central-1",
        ]
        return ["env", "-i"] + environment + [dss] + arguments
    }

    func order(_ kind: String, _ action: String, times: Int? = 1) async throws {
        let fault: [String: Any] = ["kind": kind, "action": action, "times": times ?? NSNull()]
        try await emulator.control(["faults": [fault]])
    }

    func clearFaults() async throws { try await emulator.control(["clear": ["faults"]]) }

    private struct Known: CredentialSource {
        func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
            Credentials(accessKeyID: key, secretAccessKey: secret, origin: "test")
        }
    }
}

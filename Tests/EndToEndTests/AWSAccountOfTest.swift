import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Testing
import Workbench

/// An account of the emulator's, and the program that works with it.
struct AWSAccountOfTest: Sendable {
    let workspace: Workspace
    let emulator: AWSEmulator

    func setUp() async throws {
        try await emulator.control(["knobs": ["instance_polls": 1, "instance_stop_polls": 1]])
        for command in ["setup-vm-bucket-waf", "setup-vm-bucket"] {
            let said = try await dss(command, "--yes")
            try #require(said.status.isSuccess, "\(said)")
        }
    }

    func dss(_ arguments: String...) async throws -> CommandOutput { try await dss(arguments) }

    func dss(_ arguments: [String]) async throws -> CommandOutput {
        var environment = emulator.environment(home: workspace.root).mapValues { Optional($0) }
        environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        environment["AWS_PROFILE"] = .some(nil)
        environment["AWS_POLL_DELAY_SECONDS"] = "0.2"
        environment["DSS_DEFAULT_PASSWORD"] = EndToEnd.AWSEndToEndTests.password
        return try await workspace.run(arguments, environment: environment)
    }

    func census() async throws -> [String: [String]] {
        try await emulator.control([:], .get, query: [.init("census", "")])
            .compactMapValues { $0 as? [String] }.filter { !$0.value.isEmpty }
    }

    /// Fetches the one object with that ending.
    func download(_ ending: String, to file: String) async throws {
        let objects = try await census()["objects"] ?? []
        let found = objects.map { $0.split(separator: " ").map(String.init) }.filter { $0[1].hasSuffix(".\(ending)") }
        try #require(found.count == 1, "\(objects)")
        try await withHTTPTransport { transport in
            var get = S3.GetObject(bucket: found[0][0], key: found[0][1])
            get.limit = .max
            try Data(await emulator.client(transport).call(get).body).write(to: URL(filePath: file))
        }
    }
}

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

    static func with<Result>(
        knobs: [String: Any] = [:], _ body: (Administrator) async throws -> Result
    ) async throws -> Result {
        try await AWSEmulator.with(knobs: knobs) { emulator in
            try await withTemporaryDirectory { try await body(Administrator(home: $0, emulator: emulator)) }
        }
    }

    func set(_ knobs: [String: Any]) async throws {
        try await emulator.control(["knobs": knobs])
    }

    @discardableResult
    func dss(_ arguments: String...) async throws -> ProgramOutput { try await run(arguments) }

    @discardableResult
    func run(_ arguments: [String]) async throws -> ProgramOutput {
        try await Program.run(arguments, environment)
    }

    /// The program on a terminal.
    /// - Returns: all that it has said.
    func atTerminal(_ arguments: String..., talk: @escaping @Sendable (PromptSession) async throws -> Void)
        async throws -> String
    { try await terminal(arguments, talk: talk) }

    func terminal(
        _ arguments: [String], talk: @escaping @Sendable (PromptSession) async throws -> Void
    ) async throws -> String {
        try await Program.atTerminal(arguments, environment, talk: talk)
    }

    private var environment: [String: String] {
        emulator.environment(home: home).merging([
            "TERM": "xterm", "LANG": "C.UTF-8", "DSS_CHECKIP_URL": "\(emulator.url)/checkip",
        ]) { $1 }
    }

    // What is there.

    func stack(_ stack: PermanentStack) async throws -> CloudFormation.Stack? {
        try await withHTTPTransport { transport in
            let client = emulator.client(transport, region: stack.region ?? "eu-central-1")
            return try await client.call(CloudFormation.DescribeStacks()).stacks.first { $0.stackName == stack.name }
        }
    }

    /// How often an operation was done.
    func count(_ action: String) async throws -> Int { try await emulator.count(action) }
}

extension ProgramOutput {
    /// The outputs of a stack that was deployed.
    var outputs: [String: String] { json["outputs"] as? [String: String] ?? [:] }
}

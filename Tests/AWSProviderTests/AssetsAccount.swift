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

    static func with(
        knobs: [String: Any] = [:], versioning: String? = nil, _ body: (AssetsAccount) async throws -> Void
    ) async throws {
        let running: [String: Any] = ["export_polls": 1000, "build_polls": 1000]
        try await AWSEmulator.with(knobs: running.merging(knobs) { $1 }) { emulator in
            try await withTemporaryDirectory { home in
                try await withHTTPTransport { transport in
                    let client = emulator.client(transport)
                    let account = AssetsAccount(home: home, emulator: emulator, client: client)
                    try await account.deployPermanentStacks()
                    if let versioning { try await account.setVersioning(versioning) }
                    try await body(account)
                }
            }
        }
    }

    @discardableResult
    func dss(_ arguments: String...) async throws -> ProgramOutput {
        try await Program.run(arguments, emulator.environment(home: home), in: home)
    }

    func show(_ arguments: String...) async throws -> ProgramOutput {
        try await Program.run(
            ["show-aws-assets", "--json"] + arguments, emulator.environment(home: home), in: home)
    }

    func order(_ kind: String, _ action: String, times: Int? = 1) async throws {
        let fault: [String: Any] = ["kind": kind, "action": action, "times": times ?? NSNull()]
        try await emulator.control(["faults": [fault]])
    }

    func clearFaults() async throws { try await emulator.control(["clear": ["faults"]]) }
}

extension ProgramOutput {
    /// The ids of the assets of a type, in the listing of `--json`.
    func ids(_ type: String) -> [String] {
        rows.filter { $0["type"] as? String == type }.compactMap { $0["id"] as? String }.sorted()
    }

    /// How many there are of each type.
    var counts: [String: Int] {
        rows.reduce(into: [:]) { $0[$1["type"] as? String ?? "", default: 0] += 1 }
    }
}

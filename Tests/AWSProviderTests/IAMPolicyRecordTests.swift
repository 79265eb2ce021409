import AWSCore
import AWSProvider
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// What commands have really asked for, held against what they say that they need.
extension Administrator {
    /// Calls since the last look that the policy of the command does not cover.
    /// - Parameter strangers: calls that the test itself has made, or that need no permission.
    func uncovered(by command: String, after mark: Int = 0) async throws -> Set<String> {
        guard let need = CommandOperations.of(command) else { return ["no command \(command)"] }
        return try await calls(after: mark).filter { !need.covers(service: $0.service, action: $0.action) }
            .reduce(into: []) { $0.insert("\($1.service):\($1.action)") }
    }

    /// The number of the last call.
    func mark() async throws -> Int {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.compactMap { $0["n"] as? Int }.max() ?? 0
    }

    private func calls(after mark: Int) async throws -> [(service: String, action: String)] {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.filter { ($0["n"] as? Int ?? 0) > mark }.map {
            ($0["service"] as? String ?? "", $0["action"] as? String ?? "")
        }
    }
}

extension SetupTests {
    @Suite("what commands call is what they say that they need", .serialized)
    struct IAMPolicyRecordTests {
        @Test("the commands that set an account up and look at it")
        func administration() async throws {
            try await Administrator.with { administrator in
                let commands: [[String]] = [
                    ["whoami"], ["setup-vm-bucket-waf", "--yes", "--allowed-ip", "192.0.2.0/24"],
                    ["setup-vm-bucket", "--yes"], ["setup-vm-bucket", "--versioned", "--yes"],
                    ["show-aws-assets", "--region", "all"], ["show-aws-assets", "--json"],
                    ["delete-aws-assets", "--asset-id", "0.1.0", "--yes"],
                ]
                for command in commands {
                    let mark = try await administrator.mark()
                    let said = try await administrator.run(command)
                    #expect(said.status.isSuccess, "\(command): \(said.errors)")
                    #expect(try await administrator.uncovered(by: command[0], after: mark) == [], "\(command)")
                    #expect(try await administrator.mark() > mark, "\(command) called nobody")
                }
                #expect(try await administrator.uncovered(by: "whoami") != [], "the comparison sees nothing")
            }
        }
    }
}

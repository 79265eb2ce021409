import AWSCore
import AWSProvider
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// What commands have really asked for, held against what they say that they need.
extension AWSEmulator {
    /// What has been called that the command's policy does not allow.
    /// - Parameter mark: the number of the call after which it began.
    func uncovered(by command: String, after mark: Int = 0) async throws -> Set<String> {
        guard let need = CommandOperations.of(command) else { return ["no command \(command)"] }
        let declared = Set(need.operations.map { "\($0.service.signingName):\($0.name)" })
        let called = try await calls(after: mark).map { "\($0.service):\($0.action)" }
        return Set(called).subtracting(declared)
    }

    /// The number of the last call.
    func mark() async throws -> Int {
        let calls = try await control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.compactMap { $0["n"] as? Int }.max() ?? 0
    }

    private func calls(after mark: Int) async throws -> [(service: String, action: String)] {
        let calls = try await control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.filter { ($0["n"] as? Int ?? 0) > mark }.map {
            ($0["service"] as? String ?? "", $0["action"] as? String ?? "")
        }
    }
}

extension SetupTests {
    @Suite("commands call what their policies allow", .serialized)
    struct IAMPolicyRecordTests {
        @Test("commands that set up and inspect an account")
        func administration() async throws {
            try await Administrator.with { administrator in
                let commands: [[String]] = [
                    ["whoami"], ["setup-vm-bucket-waf", "--yes", "--allowed-ip", "192.0.2.0/24"],
                    ["setup-vm-bucket", "--yes"], ["setup-vm-bucket", "--versioned", "--yes"],
                    ["setup-ci-codebuild", "--yes"],
                    ["setup-release-codebuild", "--yes"] + CodeBuildTests.secrets,
                    ["start-release-build", "--branch", "main", "--upload-url", CodeBuildTests.uploadURL],
                    ["publish-index"],
                    ["show-aws-assets", "--region", "all"], ["show-aws-assets", "--json"],
                    ["delete-aws-assets", "--asset-id", "0.1.0", "--yes"],
                ]
                for command in commands {
                    let mark = try await administrator.emulator.mark()
                    let said = try await administrator.run(command)
                    #expect(said.status.isSuccess, "\(command): \(said.errors)")
                    #expect(try await administrator.emulator.uncovered(by: command[0], after: mark) == [], "\(command)")
                    #expect(try await administrator.emulator.mark() > mark, "\(command) called nobody")
                }
                #expect(try await administrator.emulator.uncovered(by: "whoami") != [], "the comparison sees nothing")
            }
        }
    }
}

@Suite("A build on AWS calls what its policy allows", .serialized, .timeLimit(.minutes(10)))
struct BuildPolicyRecordTests {
    @Test("a build, by either way of export", arguments: ["vm-export", "ebs-direct"])
    func creation(method: String) async throws {
        try await CreateVMBuilder.with { builder in
            let said = try await builder.createVM("0.1.0", "--export-method", method)
            #expect(said.status == .exited(0), "\(said.standardError)")
            #expect(try await builder.emulator.uncovered(by: "create-vm") == [])
            let mark = try await builder.emulator.mark()
            let again = try await builder.createVM("0.1.0", "--export-method", method)
            #expect(again.status == .exited(0), "\(again.standardError)")
            #expect(try await builder.emulator.uncovered(by: "create-vm", after: mark) == [])
            let end = try await builder.emulator.mark()
            let removal = try await builder.delete("0.1.0")
            #expect(removal.status == .exited(0), "\(removal.standardError)")
            #expect(try await builder.emulator.uncovered(by: "delete-aws-assets", after: end) == [])
        }
    }

    @Test("commands for the image of a build, and the upload of a disk")
    func images() async throws {
        try await CreateVMBuilder.with { builder in
            let built = try await builder.createVM("0.1.0", "--export-method", "vm-export")
            #expect(built.status == .exited(0), "\(built.standardError)")
            let disk = try TestDisk("\(builder.home)/disk.raw").path
            let commands = [
                ["copy-ami", "--asset-id", "0.1.0", "--to", "us-east-1", "--public"],
                ["make-ami-public", "--asset-id", "0.1.0", "--yes"],
                ["make-ami-public", "--asset-id", "0.1.0", "--undo", "--yes"],
                ["upload-vm", disk, "--asset-id", "0.1.1"], ["upload-vm", disk, "--asset-id", "0.1.1"],
                ["show-aws-assets", "--region", "all"],
                ["delete-aws-assets", "--asset-id", "*", "--region", "all", "--yes"],
            ]
            for command in commands {
                let mark = try await builder.emulator.mark()
                let words = command + ["--definition", builder.sandbox.definition]
                let said = try await SystemCommandRunner().execute(builder.command(words))
                #expect(said.status == .exited(0), "\(command): \(said.standardError)")
                #expect(try await builder.emulator.uncovered(by: command[0], after: mark) == [], "\(command)")
            }
        }
    }
}

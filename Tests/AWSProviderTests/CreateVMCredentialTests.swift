import AWSTestSupport
import Foundation
import Testing
import Workbench

/// Credentials that end before the build does.
@Suite("create-vm on AWS with credentials that expire", .serialized, .timeLimit(.minutes(5)))
struct CreateVMCredentialTests {
    @Test("new credentials of a program are used")
    func renewed() async throws {
        try await CreateVMBuilder.with(knobs: ["ami_polls": 100_000]) { builder in
            try writeConfiguration(builder)
            try await issue("ASIAFIRST00000000000", builder)
            async let run = builder.createVM(
                "renewed", "--export-method", "vm-export", "--aws-profile", "short", environment: Self.noKeys)
            try await waitForImage(builder)
            try await issue("ASIASECOND0000000000", builder)
            try await builder.emulator.control([
                "expire": ["ASIAFIRST00000000000"], "knobs": ["ami_polls": 0],
            ])
            let said = try await run
            #expect(said.status == .exited(0), "\(said.standardError)")
            #expect(try await builder.census()["instances"] == nil)
        }
    }

    @Test("without new credentials, it reports what could not be removed and how to do so")
    func notRenewed() async throws {
        try await CreateVMBuilder.with(knobs: ["ami_polls": 100_000]) { builder in
            let before = try await builder.census()
            let key = "ASIAONLY000000000000"
            try await builder.emulator.control(["keys": [credentials(key)]])
            async let run = builder.createVM(
                "ended", "--export-method", "vm-export",
                environment: [
                    "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
                ])
            try await waitForImage(builder)
            try await builder.emulator.control(["expire": [key]])
            let said = try await run
            #expect(said.status == .exited(77), "\(said.standardError)")
            #expect(said.standardError.contains("expired"), "\(said.standardError)")
            for resource in [
                "stack EC2-DATA-SCIENCE-SANDBOX-ended", "AMI Exasol-Data-Science-Sandbox-ended", "delete-aws-assets",
            ] {
                #expect(said.standardError.contains(resource), "\(said.standardError)")
            }
            let removed = try await builder.delete("ended")
            #expect(removed.status == .exited(0), "\(removed.standardError)")
            #expect(try await builder.census() == before)
        }
    }

    private static let noKeys: [String: String?] = ["AWS_ACCESS_KEY_ID": nil, "AWS_SECRET_ACCESS_KEY": nil]

    private func waitForImage(_ builder: CreateVMBuilder) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await builder.census()["images"] == nil {
            try #require(ContinuousClock.now < deadline, "no AMI was ever made")
            try await Task.sleep(for: .milliseconds(30))
        }
    }

    private func credentials(_ key: String) -> [String: Any] {
        ["access_key": key, "secret_key": "secret", "token": "token", "lifetime": 36000]
    }

    /// What the profile's program says from now on.
    private func issue(_ key: String, _ builder: CreateVMBuilder) async throws {
        try await builder.emulator.control(["keys": [credentials(key)]])
        let expiration = Date().addingTimeInterval(36000).formatted(.iso8601)
        let json = """
            {"Version": 1, "AccessKeyId": "\(key)", "SecretAccessKey": "secret", "SessionToken": "token", \
            "Expiration": "\(expiration)"}
            """
        try writeAtomically(json, to: "\(builder.home)/credentials.json")
    }

    private func writeConfiguration(_ builder: CreateVMBuilder) throws {
        try makeDirectory("\(builder.home)/.aws")
        try writeAtomically(
            "[profile short]\nregion = eu-central-1\ncredential_process = cat \(builder.home)/credentials.json\n",
            to: "\(builder.home)/.aws/config")
    }
}

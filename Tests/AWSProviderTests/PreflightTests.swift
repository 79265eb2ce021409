import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing

@testable import AWSProvider

/// Each thing that AWS would refuse hours later, once refused and once fine.
@Suite("Preflight checks", .serialized)
struct PreflightTests {
    @Test("a build that can start has no findings, with either export method")
    func fine() async throws {
        try await PreflightAccount.with { account in
            let found = try await account.found { $0.isPublic = true }
            #expect(found.problems == [])
            #expect(found.notices == [])
            #expect(found.warnings.map(\.text).allSatisfy { $0.contains("boots with BIOS and with UEFI") })
            #expect(try await account.found(method: .ebsDirect, formats: [.qcow2, .ova]) == [])
            let exportAlone = try await account.found { $0.source = nil }
            #expect(exportAlone.problems == [])
        }
    }

    @Test("all problems are reported at once, and nothing is created")
    func together() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:CreateImage")
            let preflight = try await account.preflight(formats: [.vhd, .ova]) {
                $0.volumeGiB = 10
                $0.instanceType = "x9.none"
                $0.credentials = .init(expires: Date(), areRenewed: false)
            }
            let failure = await #expect(throws: Failure.self) { try await preflight.run { _ in } }
            #expect(failure?.message == "preflight found 5 problems that would make the build fail")
            #expect(failure?.code == .failed)
            #expect(failure?.details.last == "nothing was created")
            #expect(failure?.details.count { $0.hasPrefix("- ") } == 5)
            #expect(failure?.details.count { $0.hasPrefix("  → ") } == 5)
            let made = try await account.emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
            let changing = made.compactMap { $0["action"] as? String }.filter { $0.hasPrefix("Create") }
            #expect(Set(changing) == ["CreateChangeSet", "CreateImage", "CreateTags"])
            #expect(try await account.client.call(EC2.DescribeKeyPairs()).keyPairs == [])
        }
    }

    @Test("one problem stands for itself, with its exit code")
    func alone() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:StopInstances")
            let preflight = try await account.preflight()
            let failure = await #expect(throws: Failure.self) { try await preflight.run { _ in } }
            #expect(failure?.code == .noPermission)
            #expect(failure?.message.contains("StopInstances failed with UnauthorizedOperation") == true)
            #expect(failure?.advice?.contains("ec2:StopInstances") == true)
        }
    }

    @Test("warnings and notices are reported and refuse nothing")
    func told() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("iam:SimulatePrincipalPolicy", "servicequotas:GetServiceQuota", "iam:GetRole")
            let log = EventLog()
            try await account.preflight().run(log.sink)
            #expect(log.warnings.count == 1)
            #expect(log.notices.count == 2, "\(log.notices)")
            #expect(log.events.contains(.activityFinished("preflight")))
        }
    }
}

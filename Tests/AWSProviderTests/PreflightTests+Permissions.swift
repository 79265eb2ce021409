import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing

@testable import AWSProvider

extension PreflightTests {
    @Test(
        "credentials must live as long as the build",
        arguments: [
            (nil as TimeInterval?, false, nil as String?, nil as String?), (4 * 3600, false, nil, nil),
            (1800, false, "the credentials are good for 30 minutes, and the build takes about 140", nil),
            (1800, true, nil, "the credentials are good for 30 minutes, and the build takes about 140"),
            (-60, false, "the credentials are good for -1 minutes, and the build takes about 140", nil),
        ])
    func credentials(_ seconds: TimeInterval?, _ areRenewed: Bool, _ problem: String?, _ warning: String?) async throws
    {
        try await PreflightAccount.with { account in
            let now = Date(timeIntervalSince1970: 1_770_000_000)
            let site = BuildSite(account.client, account.site.assetID, names: .init(), now: { now })
            let source = try await site.sourceImage(SourceImageTests.bookworm, ami: nil)
            var preflight = Preflight(
                site, SourceImageTests.bookworm, source: source, method: .vmExport, formats: [.vhd, .vmdk])
            preflight.credentials = .init(expires: seconds.map { now.addingTimeInterval($0) }, areRenewed: areRenewed)
            let found = preflight.checkCredentials()
            #expect(found.problems.map(\.text) == (problem.map { [$0] } ?? []))
            #expect(found.problems.allSatisfy { $0.code == .noPermission })
            #expect(found.warnings.map(\.text).allSatisfy { $0.hasPrefix(warning ?? "-") })
            #expect(found.warnings.count == (warning == nil ? 0 : 1))
        }
    }

    @Test(
        "EC2 says itself what is not allowed, without doing it",
        arguments: [
            "CreateImage", "ExportImage", "ImportKeyPair", "CreateTags", "StopInstances", "DeregisterImage",
            "DeleteSnapshot", "ModifyImageAttribute", "ModifySnapshotAttribute",
        ])
    func dryRuns(_ action: String) async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:\(action)")
            let problems = try await account.found { $0.isPublic = true }.problems
            #expect(problems.count == 1)
            #expect(problems.first?.text.hasPrefix("EC2 \(action) failed with UnauthorizedOperation") == true)
            #expect(problems.first?.advice?.contains("ec2:\(action)") == true)
            #expect(problems.first?.code == .noPermission)
        }
    }

    @Test("a permission that only this way of export needs is not asked for by the other")
    func otherMethod() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:ExportImage", "ec2:ModifyImageAttribute")
            #expect(try await account.found(method: .ebsDirect) == [])
            try await account.deny("ebs:ListSnapshotBlocks")
            #expect(try await account.found().problems == [])
        }
    }

    @Test("what EC2 does not tell is asked of IAM")
    func policies() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("s3:PutObject", "cloudformation:CreateChangeSet")
            let problems = try await account.found().problems
            #expect(
                problems.map(\.text) == [
                    "arn:aws:iam::123456789012:user/emulator may not do cloudformation:CreateChangeSet, s3:PutObject"
                ])
            #expect(problems.first?.advice?.contains("dss iam-policy --command create-vm") == true)
            try await account.deny("iam:SimulatePrincipalPolicy")
            let notices = try await account.found().notices
            #expect(notices.count == 1)
            #expect(notices.first?.text.contains("policies could not be checked") == true)
        }
    }

    @Test("a read that the build itself needs is a problem where it is denied, one for the check alone is not")
    func reads() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:DescribeVpcs", "servicequotas:GetServiceQuota")
            let found = try await account.found()
            #expect(found.problems.map(\.code) == [.noPermission, .noPermission])
            #expect(found.problems.first?.text.contains("may not do ec2:DescribeVpcs") == true)
            #expect(found.problems.last?.text.hasPrefix("EC2 DescribeVpcs failed with UnauthorizedOperation") == true)
            #expect(found.notices.map(\.text).allSatisfy { $0.contains("ServiceQuotas") || $0.contains("quota") })
        }
    }

    @Test(
        "whose policies they are",
        arguments: [
            ("arn:aws:iam::123456789012:user/team/me", "arn:aws:iam::123456789012:user/team/me"),
            ("arn:aws:sts::123456789012:assumed-role/release/dss-1", "arn:aws:iam::123456789012:role/release"),
            ("arn:aws-us-gov:iam::123456789012:root", "arn:aws-us-gov:iam::123456789012:root"),
            ("arn:aws:sts::123456789012:federated-user/me", nil), ("nonsense", nil),
        ])
    func principals(_ arn: String, _ expected: String?) {
        #expect(PolicyPrincipal(arn: arn)?.arn == expected)
        #expect(PolicyPrincipal(arn: arn)?.isRoot ?? false == arn.hasSuffix(":root"))
    }
}

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
            (1800, false, "the credentials expire in 30 minutes, but the build takes about 140 minutes", nil),
            (1800, true, nil, "the credentials expire in 30 minutes, but the build takes about 140 minutes"),
            (-60, false, "the credentials expire in -1 minutes, but the build takes about 140 minutes", nil),
        ])
    func credentials(_ seconds: TimeInterval?, _ areRenewed: Bool, _ problem: String?, _ warning: String?) async throws
    {
        try await PreflightAccount.with { account in
            let now = Date(timeIntervalSince1970: 1_770_000_000)
            let workspace = AWSWorkspace(account.client, account.workspace.assetID, names: .init(), now: { now })
            let source = try await workspace.sourceImage(SourceImageTests.bookworm, ami: nil)
            var preflight = Preflight(
                workspace, SourceImageTests.bookworm, source: source, method: .vmExport, formats: [.vhd, .vmdk])
            preflight.credentials = .init(expires: seconds.map { now.addingTimeInterval($0) }, areRenewed: areRenewed)
            let found = preflight.checkCredentials()
            #expect(found.problems.map(\.text) == (problem.map { [$0] } ?? []))
            #expect(found.problems.allSatisfy { $0.code == .noPermission })
            #expect(found.warnings.map(\.text).allSatisfy { $0.hasPrefix(warning ?? "-") })
            #expect(found.warnings.count == (warning == nil ? 0 : 1))
        }
    }

    @Test(
        "EC2's dry run reports what is not allowed",
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

    @Test("a permission of one export method is not required by the other")
    func otherMethod() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:ExportImage", "ec2:ModifyImageAttribute")
            #expect(try await account.found(method: .ebsDirect) == [])
            try await account.deny("ebs:ListSnapshotBlocks")
            #expect(try await account.found().problems == [])
        }
    }

    @Test("what EC2 does not report is read from IAM")
    func policies() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("s3:PutObject", "cloudformation:CreateChangeSet")
            let problems = try await account.found().problems
            #expect(
                problems.map(\.text) == [
                    "arn:aws:iam::123456789012:user/emulator is not allowed to perform "
                        + "cloudformation:CreateChangeSet, s3:PutObject"
                ])
            #expect(problems.first?.advice?.contains("dss iam-policy --command create-vm") == true)
            try await account.deny("iam:SimulatePrincipalPolicy")
            let notices = try await account.found().notices
            #expect(notices.count == 1)
            #expect(notices.first?.text.contains("could not check policies") == true)
        }
    }

    @Test("a read that the build itself needs is a problem where it is denied, one for the check alone is not")
    func reads() async throws {
        try await PreflightAccount.with { account in
            try await account.deny("ec2:DescribeVpcs", "servicequotas:GetServiceQuota")
            let found = try await account.found()
            #expect(found.problems.map(\.code) == [.noPermission, .noPermission])
            #expect(found.problems.first?.text.contains("is not allowed to perform ec2:DescribeVpcs") == true)
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

    @Test("the policy that 'dss iam-policy' prints suffices to start a build")
    func leastPolicy() async throws {
        try await PreflightAccount.with { account in
            let arguments = [
                "--account", "123456789012", "--region", "eu-central-1", "--bucket", "images", "--export-role",
                "exporter",
            ]
            let policy = try IAMPolicyTests.words(["iam-policy", "--command", "create-vm"] + arguments)
            #expect(try await problems(account, allowed: policy) == [])
            let narrowed = policy.replacing("\"cloudformation:ExecuteChangeSet\",", with: "")
                .replacing("images/data_science_sandbox/*", with: "images/elsewhere/*")
            let said = try await problems(account, allowed: narrowed).joined()
            #expect(said.contains("is not allowed to perform cloudformation:ExecuteChangeSet, s3:AbortMultipartUpload"))
            #expect(said.contains("s3:PutObject"))
        }
    }

    /// What is in the way of somebody with that policy alone.
    private func problems(_ account: PreflightAccount, allowed policy: String) async throws -> [String] {
        let role = "builder-\(policy.count)"
        _ = try await account.client.call(CreateRole(roleName: role))
        _ = try await account.client.call(PutRolePolicy(roleName: role, policyDocument: policy))
        let issued = try await account.client.call(
            STS.AssumeRole(roleArn: "arn:aws:iam::123456789012:role/\(role)", roleSessionName: "test")
        ).credentials
        var world = account.client.world
        world.credentials = Session(key: issued)
        let client = AWSClient(region: account.client.region, world: world)
        let workspace = AWSWorkspace(client, account.workspace.assetID, names: .init())
        let source = try await workspace.sourceImage(SourceImageTests.bookworm, ami: nil)
        let bucket = ImageBucket(name: "images", exportRole: "exporter", domain: "")
        return try await Preflight(
            workspace, SourceImageTests.bookworm, source: source, bucket: bucket, method: .vmExport, formats: [.vhd]
        ).findings().problems.map(\.text)
    }

    private struct Session: CredentialSource {
        let key: STS.IssuedCredentials.Key

        func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
            Credentials(
                accessKeyID: key.accessKeyId, secretAccessKey: key.secretAccessKey, sessionToken: key.sessionToken,
                origin: "test")
        }
    }

    private struct CreateRole: QueryOperation {
        static let service = IAM.service
        static let retrySafety = RetrySafety<Self>.never
        var roleName: String
        var assumeRolePolicyDocument = #"{"Version":"2012-10-17","Statement":[]}"#
        typealias Output = NoOutput
    }

    private struct PutRolePolicy: QueryOperation {
        static let service = IAM.service
        static let retrySafety = RetrySafety<Self>.never
        var roleName: String
        var policyName = "least"
        var policyDocument: String
        typealias Output = NoOutput
    }
}

import AWSCore
import AWSServices
import AWSTestSupport
import Sandbox
import Testing

@testable import AWSProvider

extension PreflightTests {
    @Test(
        "the type of the machine is offered and fits the architecture",
        arguments: [
            ("t3.medium", Architecture.amd64, nil as String?), ("t4g.medium", .arm64, nil),
            ("x9.none", .amd64, "instance type x9.none is not available in eu-central-1"),
            ("t4g.medium", .amd64, "instance type t4g.medium is arm64, but base.architecture is amd64"),
            ("m5.large", .arm64, "instance type m5.large is x86_64, but base.architecture is arm64"),
        ])
    func instanceTypes(_ type: String, _ architecture: Architecture, _ problem: String?) async throws {
        try await PreflightAccount.with { account in
            let definition = SourceImageTests.definition(.debian, "bookworm", architecture)
            let found = try await account.found(definition, method: .ebsDirect, formats: [.raw]) {
                $0.instanceType = type
            }
            #expect(found.problems.map(\.text) == (problem.map { [$0] } ?? []))
            #expect(found.problems.allSatisfy { $0.advice?.contains("aws.instance_type") == true })
        }
    }

    @Test("the machine needs a default network")
    func network() async throws {
        try await PreflightAccount.with { account in
            try await account.answer("ec2", "DescribeVpcs", "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>")
            let problems = try await account.found().problems
            #expect(
                problems.map(\.text) == [
                    "the account has no default VPC in eu-central-1 for the instance"
                ])
            #expect(problems.first?.advice == "aws ec2 create-default-vpc --region eu-central-1")
        }
    }

    @Test("the disk holds the image that it starts from, and the sandbox's")
    func volume() async throws {
        try await PreflightAccount.with { account in
            // No closure may stand within #expect: the compiler (6.3) gives another one of the function the same name.
            let fitting = try await account.found { $0.volumeGiB = 15 }
            #expect(fitting.problems == [])
            let small = try await account.found { $0.volumeGiB = 14 }.problems
            #expect(
                small.map(\.text) == [
                    "the disk of \(try await source(account).id) has 15 GiB, but aws.volume_size is 14 GiB"
                ])
            #expect(small.first?.advice == "--set aws.volume_size=15GiB")
            var definition = SourceImageTests.bookworm
            definition.disk.sizeMiB = 20 * 1024 + 1
            let large = try await account.found(definition) { $0.volumeGiB = 20 }.problems
            #expect(large.map(\.text) == ["disk.size is 21 GiB, but aws.volume_size is 20 GiB"])
        }
    }

    private func source(_ account: PreflightAccount) async throws -> SourceImage {
        try await account.workspace.sourceImage(SourceImageTests.bookworm, ami: nil)
    }

    @Test(
        "what AWS does not export is refused and works with EBS direct",
        arguments: [
            (
                [ImageFormat.vhd, .qcow2, .ova], Unexportable.nothing,
                "AWS can export only vhd, vmdk and raw, not qcow2 and ova"
            ),
            ([.vhd], .sold, "AWS cannot export an image based on an AMI with product codes, such as"),
            ([.vhd], .encrypted, "AWS cannot export encrypted images, and the disk of"),
            ([.vhd], .large, "AWS can export disks of up to 1 TiB, but aws.volume_size is 1025 GiB"),
            ([.raw], .arm, "AWS can export only amd64 images, but base.architecture is arm64"),
            (
                [.vhd], .encryptedByDefault,
                "AWS cannot export encrypted images, and the account encrypts all new volumes"
            ),
        ])
    func export(_ formats: [ImageFormat], _ reason: Unexportable, _ problem: String) async throws {
        try await PreflightAccount.with { account in
            if reason == .encryptedByDefault {
                try await account.answer(
                    "ec2", "GetEbsEncryptionByDefault",
                    "<GetEbsEncryptionByDefaultResponse><ebsEncryptionByDefault>true</ebsEncryptionByDefault>"
                        + "</GetEbsEncryptionByDefaultResponse>")
            }
            let isArm = reason == .arm
            let definition = SourceImageTests.definition(.debian, "bookworm", isArm ? .arm64 : .amd64)
            let change = { (preflight: inout Preflight) in
                preflight.source?.isSold = reason == .sold
                preflight.source?.isEncrypted = reason == .encrypted
                if reason == .large { preflight.volumeGiB = 1025 }
                if isArm { preflight.instanceType = "t4g.medium" }
            }
            let problems = try await account.found(definition, formats: formats, change).problems
            #expect(problems.count == 1)
            #expect(problems.first?.text.hasPrefix(problem) == true, "\(problems)")
            #expect(problems.first?.advice != nil)
            #expect(try await account.found(definition, method: .ebsDirect, formats: formats, change) == [])
        }
    }

    enum Unexportable: Sendable { case nothing, sold, encrypted, large, arm, encryptedByDefault }

    @Test(
        "running exports count against the quota",
        arguments: [(4, 0, 0), (5, 1, 0), (19, 1, 0), (20, 0, 1)])
    func runningExports(_ count: Int, _ warnings: Int, _ problems: Int) async throws {
        try await PreflightAccount.with { account in
            let task = { (number: Int) in
                "<item><exportImageTaskId>export-ami-\(number)</exportImageTaskId><status>active</status></item>"
            }
            try await account.answer(
                "ec2", "DescribeExportImageTasks",
                "<DescribeExportImageTasksResponse><exportImageTaskSet>\((0..<count).map(task).joined())"
                    + "</exportImageTaskSet></DescribeExportImageTasksResponse>")
            let found = try await account.found()
            #expect(found.problems.count == problems)
            #expect(found.warnings.filter { $0.text.contains("exports are running") }.count == warnings)
        }
    }
}

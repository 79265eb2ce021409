import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing

@testable import AWSProvider

extension PreflightTests {
    @Test("the vCPUs of running and new instances must fit the quota")
    func machineQuota() async throws {
        try await PreflightAccount.with(knobs: ["quotas": ["L-1216C47A": 5]]) { account in
            let machine = """
                Resources:
                  Machine: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-00000000000000010, InstanceType: t3.xlarge}}
                """
            #expect(try await account.found().problems == [])
            try await account.client.deploy("EC2-DATA-SCIENCE-SANDBOX-9-9-9", machine)
            let problems = try await account.found().problems
            #expect(
                problems.map(\.text) == [
                    "instance type t3.medium needs 2 vCPUs, but 4 of the account's 5 are in use in eu-central-1"
                ])
            #expect(problems.first?.advice?.contains("--quota-code L-1216C47A") == true)
            #expect(problems.first?.advice?.contains("--desired-value 7") == true)
            #expect(problems.first?.code == .temporary)
            // Machines of other families have quotas of their own.
            let other = try await account.found { $0.instanceType = "g4dn.xlarge" }
            #expect(other.problems == [])
        }
    }

    @Test("the machine of this build is reused and needs no quota of its own")
    func ownMachine() async throws {
        try await PreflightAccount.with(knobs: ["quotas": ["L-1216C47A": 2]]) { account in
            try await account.client.deploy(
                account.workspace.stackName,
                """
                Resources:
                  Machine:
                    Type: AWS::EC2::Instance
                    Properties:
                      ImageId: ami-00000000000000010
                      InstanceType: t3.medium
                      Tags: [{Key: exa_dss_id, Value: 0.1.0}]
                """, tags: [.init(key: "exa_dss_id", value: "0.1.0")])
            #expect(try await account.found().problems == [])
        }
    }

    @Test("a public image must fit the quota of public images")
    func publicImages() async throws {
        try await PreflightAccount.with(knobs: ["quotas": ["L-0E3CBAB9": 0]]) { account in
            #expect(try await account.found().problems == [])
            let problems = try await account.found { $0.isPublic = true }.problems
            #expect(problems.map(\.code) == [.temporary])
            #expect(problems.first?.advice?.contains("L-0E3CBAB9") == true)
        }
    }

    @Test("names may be taken by what is of this build alone")
    func names() async throws {
        try await PreflightAccount.with { account in
            let ours = [EC2.Tag(key: "exa_dss_id", value: "0.1.0")]
            let workspace = account.workspace
            let image = EC2.RegisterImage(
                name: workspace.imageName, architecture: "x86_64", rootDeviceName: "/dev/sda1", blockDeviceMappings: [])
            let ami = try await account.client.call(image).imageId
            let pair = try await account.client.importKey(workspace.stackName)
            try await account.client.deploy(
                workspace.stackName, "Resources: {Topic: {Type: AWS::SNS::Topic}}",
                tags: [.init(key: "exa_dss_id", value: "0.1.1")])
            let problems = try await account.found().problems
            #expect(
                Set(problems.map(\.text)) == [
                    "AMI \(ami) is named Exasol-Data-Science-Sandbox-0.1.0 but does not belong to this build: "
                        + "it has no exa_dss_id tag",
                    "key pair \(pair) is named EC2-DATA-SCIENCE-SANDBOX-0-1-0 but does not belong to this build: "
                        + "it has no exa_dss_id tag",
                    "stack EC2-DATA-SCIENCE-SANDBOX-0-1-0 exists but does not belong to this build: it belongs to "
                        + "asset id 0.1.1",
                ])
            #expect(problems.allSatisfy { $0.advice?.contains("aws ") == true })
            let keyless = try await account.found { $0.makesKeyPair = false }
            #expect(keyless.problems.count == 2)
            let machineless = try await account.found { $0.source = nil }
            #expect(machineless.problems.count == 1)

            _ = try await account.client.call(EC2.CreateTags(resources: [ami, pair], tags: ours))
            #expect(try await account.found().problems.count == 1)
        }
    }

    @Test("bucket and role must be there, in the region of the build")
    func bucket() async throws {
        try await PreflightAccount.with { account in
            let gone = try await account.found { $0.bucket = .init(name: "gone", exportRole: "nobody", domain: "") }
            #expect(
                Set(gone.problems.map(\.text)) == [
                    "bucket gone, which its stack created, no longer exists",
                    "role nobody, which AWS uses for exports, no longer exists",
                ])
            #expect(gone.problems.allSatisfy { $0.advice == "dss setup-vm-bucket --region eu-central-1" })
            let known = ImageBucket(name: "images", exportRole: "exporter", domain: "")
            let there = try await account.found { $0.bucket = known }
            #expect(there.problems == [])
            let other = ImageBucket(name: "images", exportRole: "nobody", domain: "")
            let roleless = try await account.found(method: .ebsDirect) { $0.bucket = other }
            #expect(roleless == [])
        }
    }

    @Test("a missing bucket, or one in another region, is reported")
    func elsewhere() async throws {
        try await PreflightAccount.with { account in
            let workspace = AWSWorkspace(account.client.region("us-east-1"), account.workspace.assetID, names: .init())
            let there = ImageBucket(name: "images", exportRole: "exporter", domain: "")
            let source = try await workspace.sourceImage(SourceImageTests.bookworm, ami: nil)
            for bucket in [there, nil] {
                let problems = try await Preflight(
                    workspace, SourceImageTests.bookworm, source: source, bucket: bucket, method: .vmExport,
                    formats: [.vhd]
                ).findings().problems
                #expect(problems.count == 1, "\(problems)")
                #expect(problems.first?.advice?.contains("setup-vm-bucket") == true)
            }
        }
    }
}

import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// The real program against an AWS of its own, as an administrator would use it.
@Suite("dss setup-vm-bucket and setup-vm-bucket-waf", .serialized, .timeLimit(.minutes(5)))
struct SetupTests {
    @Test("each deployment reports the outputs: first, unchanged, changed")
    func life() async throws {
        try await Administrator.with { admin in
            let made = try await admin.dss(
                "setup-vm-bucket-waf", "--yes", "--json", "--allowed-ip", "192.0.2.7", "--allowed-ip", "2001:db8::/32")
            #expect(made.status == .exited(0), "\(made.errors)")
            #expect(made.json["outcome"] as? String == "created")
            let acl = try #require(made.outputs["VMDownloadACLArn"])
            #expect(made.errors.contains("  CREATE_COMPLETE     VMDownloadACL\n"), "\(made.errors)")

            let again = try await admin.dss("setup-vm-bucket-waf", "--yes")
            #expect(again.status == .exited(0), "\(again.errors)")
            #expect(again.output.hasPrefix("stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF in us-east-1 is up to date"))
            #expect(again.output.contains(acl))
            #expect(try await admin.count("DeleteChangeSet") == 1)

            let bucket = try await admin.dss("setup-vm-bucket", "--yes", "--json")
            #expect(bucket.status == .exited(0), "\(bucket.errors)")
            #expect(
                Set(bucket.outputs.keys) == [
                    "VMBucketId", "VMExportRoleId", "CfDistributionId", "CfDistributionDomainName",
                ])
            let stack = try #require(try await admin.stack(.vmBucket))
            #expect(stack.enableTerminationProtection == true)
            #expect(stack.parameters.contains { $0.parameterKey == "VMDownloadACLArn" && $0.parameterValue == acl })
            #expect(stack.tags == [.init(key: "created-by", value: "dss")])

            let changed = try await admin.dss("setup-vm-bucket", "--versioned", "--yes", "--json")
            #expect(changed.json["outcome"] as? String == "updated", "\(changed.errors)")
            #expect(changed.outputs["VMBucketId"] == bucket.outputs["VMBucketId"])
            let kept = try await admin.dss("setup-vm-bucket", "--yes", "--json")
            #expect(kept.json["outcome"] as? String == "unchanged", "what is not given stays as it is")
        }
    }

    @Test("--plan shows what would change and leaves nothing")
    func plan() async throws {
        try await Administrator.with { admin in
            let plan = try await admin.dss("setup-vm-bucket-waf", "--plan")
            #expect(plan.status == .exited(0), "\(plan.errors)")
            #expect(plan.output.contains("add     VMDownloadACL   WAFv2::WebACL\n"), "\(plan.output)")
            #expect(plan.output.contains("3 to add\n"))
            #expect(try await admin.stack(.vmBucketWAF) == nil)
            #expect(try await admin.count("ExecuteChangeSet") == 0)

            try await admin.dss("setup-vm-bucket-waf", "--yes")
            let change = try await admin.dss("setup-vm-bucket-waf", "--plan", "--json", "--rate-limit", "500")
            let settings = (change.json["plan"] as? [String: Any])?["settings"] as? [[String: String]]
            #expect(settings == [["name": "RateLimit", "before": "100", "after": "500"]])
            #expect(change.json["outcome"] as? String == "planned")
            #expect(try await admin.count("CreateChangeSet") == 3)
            #expect(try await admin.count("DeleteChangeSet") == 2)
        }
    }

    @Test("without a terminal, nothing is asked and nothing is changed")
    func noTerminal() async throws {
        try await Administrator.with { admin in
            let said = try await admin.dss("setup-vm-bucket-waf")
            #expect(said.status == .exited(64))
            #expect(said.errors.contains("3 to add\n"), "\(said.errors)")
            #expect(said.errors.hasSuffix("-> add --yes to skip confirmation\n"))
            #expect(try await admin.stack(.vmBucketWAF) == nil)
        }
    }

    @Test("the bucket wants its web ACL")
    func withoutWAF() async throws {
        try await Administrator.with { admin in
            let said = try await admin.dss("setup-vm-bucket", "--yes")
            #expect(said.status == .exited(69))
            #expect(said.errors.contains("no stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF in us-east-1\n"))
            #expect(said.errors.contains("dss setup-vm-bucket-waf', then this command again"))
            #expect(try await admin.count("CreateChangeSet") == 0)
        }
    }

    @Test("wrong options are reported all at once, before any call")
    func wrongOptions() async throws {
        try await Administrator.with { admin in
            let said = try await admin.dss("setup-vm-bucket-waf", "--allowed-ip", "10.0.0.1/8", "--rate-limit", "5")
            #expect(said.status == .exited(64))
            #expect(said.errors.contains("the network is 10.0.0.0/8") && said.errors.contains("--rate-limit '5'"))
            let region = try await admin.dss("setup-vm-bucket-waf", "--region", "eu-west-1")
            #expect(region.status == .exited(64))
            #expect(region.errors.contains("can only be deployed in us-east-1"), "\(region.errors)")
        }
    }

    @Test(
        "printed templates are the files",
        arguments: [
            ("setup-vm-bucket", "vm-bucket"), ("setup-vm-bucket-waf", "vm-bucket-waf"),
            ("setup-ci-codebuild", "ci-codebuild"), ("setup-release-codebuild", "release-codebuild"),
        ])
    func template(_ command: String, _ file: String) async throws {
        let text = try String(contentsOf: TemplateTests.folder.appending(path: "\(file).yaml"), encoding: .utf8)
        try await Administrator.with { admin in
            let said = try await admin.dss(command, "--print-template")
            #expect(said.status == .exited(0))
            #expect(said.output == text)
        }
    }
}

import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Testing
import Workbench

/// The real program against an account with the assets of builds in it.
@Suite("dss show-aws-assets and delete-aws-assets", .serialized, .timeLimit(.minutes(5)))
struct AssetsEmulatorTests {
    @Test("everything of an asset id is listed and removed, and nothing else")
    func everything() async throws {
        try await AssetsAccount.with { account in
            try await account.build("0.1.0")
            try await account.build("0.1.1")
            let shown = try await account.show("--asset-id", "0.1.0")
            #expect(shown.status.isSuccess, "\(shown.errors)")
            #expect(shown.counts == AssetsAccount.everything)
            #expect(try await JSONSchema.awsAssets.complaints(about: shown.output) == "")
            #expect(Set(shown.rows.map { $0["asset_id"] as? String }) == ["0.1.0"])
            let orphans = shown.rows.filter { $0["orphan"] as? Bool == true }
            #expect(orphans.map { $0["belongs_to"] as? String } == ["ami-0123456789abcdef0"])
            let object = shown.rows.first { $0["type"] as? String == "s3-object" }
            #expect(object?["url"] as? String == "https://d1.cloudfront.net/data_science_sandbox/0.1.0/sandbox.vmdk")
            let machine = shown.rows.first { $0["type"] as? String == "instance" }
            #expect((machine?["estimated_usd_per_month"] as? Double ?? 0) > 40)

            let dry = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--dry-run")
            #expect(dry.status.isSuccess)
            #expect(try await account.show("--asset-id", "0.1.0").counts == AssetsAccount.everything)
            let unasked = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0")
            #expect(unasked.status == .exited(64))
            #expect(unasked.errors.contains("add --yes"))

            let removed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(removed.output.contains("removed 11 assets"), "\(removed.output)")
            #expect(try await account.show("--asset-id", "0.1.0").rows.isEmpty)
            #expect(try await account.show("--asset-id", "0.1.1").counts == AssetsAccount.everything)
            let again = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(again.status.isSuccess)
            #expect(again.output == "no assets match '0.1.0'\n")
            #expect(try await account.show("--asset-id", "*").ids("stack").contains("DATA-SCIENCE-SANDBOX-VM-Bucket"))
        }
    }

    @Test("no at the question removes nothing, and is no mistake in the command line")
    func declined() async throws {
        try await AssetsAccount.with { account in
            _ = try await account.image("0.1.0")
            let before = try await account.show("--asset-id", "0.1.0").counts
            let seen = try await Program.atTerminal(
                ["delete-aws-assets", "--asset-id", "0.1.0"], account.emulator.environment(home: account.home)
            ) { program in
                _ = try await program.expect("Remove all of these assets? [y/N]")
                try await program.send("n")
            }
            #expect(seen.contains("nothing was removed") && seen.contains(/rc=1\s/), "\(seen)")
            #expect(try await account.show("--asset-id", "0.1.0").counts == before)
        }
    }

    @Test("what is kept stays, an image with its snapshot")
    func keep() async throws {
        try await AssetsAccount.with { account in
            try await account.build("0.1.0")
            let removed = try await account.dss(
                "delete-aws-assets", "--asset-id", "0.1.0", "--keep", "ami,s3-object", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(removed.output.contains("uses it, which stays"))
            let left = try await account.show("--asset-id", "0.1.0")
            #expect(left.counts == ["ami": 1, "snapshot": 1, "s3-object": 1])
        }
    }

    @Test("permanent stacks and what has no asset id stay, whatever is asked for")
    func permanent() async throws {
        try await AssetsAccount.with { account in
            try await account.build("0.1.0")
            _ = try await account.client.call(CodeBuild.StartBuild(projectName: "release"))
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "*", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(removed.output.contains("keeping stack DATA-SCIENCE-SANDBOX-VM-Bucket: it is permanent"))
            #expect(try await account.show().counts == ["stack": 2, "resource": 2, "build": 1])
        }
    }

    @Test("--expired takes what is past its time")
    func expired() async throws {
        try await AssetsAccount.with { account in
            try await account.machine("1", try await account.image("1"), expires: "2020-01-01T00:00:00Z")
            try await account.machine("2", try await account.image("2"), expires: "2099-01-01T00:00:00Z")
            let removed = try await account.dss("delete-aws-assets", "--expired", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            let left = try await account.show()
            #expect(left.ids("stack").filter { $0.hasPrefix("EC2") } == ["EC2-DATA-SCIENCE-SANDBOX-2"])
            #expect(left.ids("instance").count == 1)
            #expect(left.ids("ami").count == 2)
        }
    }

    @Test(
        "a fault that passes is got over",
        arguments: ["throttle", "500", "applied-then-reset"],
        [
            "CancelExportTask", "DeleteStack", "DeregisterImage", "DeleteSnapshot", "DeleteKeyPair",
            "AbortMultipartUpload", "DeleteObjects", "StopBuild",
        ])
    func faults(kind: String, action: String) async throws {
        try await AssetsAccount.with { account in
            try await account.build("0.1.0")
            try await account.order(kind, action)
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(try await account.show("--asset-id", "0.1.0").rows.isEmpty)
        }
    }

    @Test(
        "what may not be removed is named, and a second run finishes",
        arguments: [
            ("CancelExportTask", "aws ec2 cancel-export-task --export-task-id export-ami-", 1),
            ("DeleteStack", "aws cloudformation delete-stack --stack-name EC2-DATA-SCIENCE-SANDBOX-0-1-0", 1),
            // The snapshot of an image that stays is not tried.
            ("DeregisterImage", "aws ec2 deregister-image --image-id ami-", 2),
            ("DeleteSnapshot", "aws ec2 delete-snapshot --snapshot-id snap-", 2),
            ("AbortMultipartUpload", "aws s3api abort-multipart-upload --bucket images --key data_science", 1),
            ("DeleteObjects", "aws s3 rm s3://images/data_science_sandbox/0.1.0/sandbox.vmdk", 1),
        ])
    func denied(action: String, remedy: String, count: Int) async throws {
        try await AssetsAccount.with { account in
            try await account.build("0.1.0")
            try await account.order("denied", action, times: nil)
            let failed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(failed.status == .exited(1), "\(failed.errors)")
            #expect(failed.errors.contains("\(count) of 11 assets could not be removed"), "\(failed.errors)")
            #expect(failed.errors.contains("remove it with: \(remedy)"), "\(failed.errors)")
            #expect(failed.errors.contains("\(action) failed with "), "\(failed.errors)")
            try await account.clearFaults()
            let finished = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(finished.status.isSuccess, "\(finished.errors)")
            #expect(try await account.show("--asset-id", "0.1.0").rows.isEmpty)
        }
    }

    @Test("a stack that cannot be deleted says which part, and why")
    func stackStays() async throws {
        try await AssetsAccount.with(knobs: ["stack_delete_fail": ["Machine": "resource i-1 is in use"]]) { account in
            try await account.machine("0.1.0", try await account.image("0.1.0"))
            let failed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(failed.status == .exited(1))
            #expect(failed.errors.contains("AWS::EC2::Instance i-"), "\(failed.errors)")
            #expect(failed.errors.contains("resource i-1 is in use"), "\(failed.errors)")
        }
    }

    @Test("a machine that keeps its stack from going is ended by itself, and the stack goes then")
    func stackGoesLater() async throws {
        let knobs: [String: Any] = [
            "stack_delete_fail": ["Machine": "the instance is protected"], "stack_delete_failures": 1,
        ]
        try await AssetsAccount.with(knobs: knobs) { account in
            try await account.machine("0.1.0", try await account.image("0.1.0"))
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(try await account.show("--asset-id", "0.1.0").rows.isEmpty)
        }
    }

    @Test("what was left stuck is listed as such and removed", arguments: ["ROLLBACK_FAILED", "DELETE_FAILED"])
    func stuckStacks(status: String) async throws {
        let isRollback = status == "ROLLBACK_FAILED"
        let trouble: [String: Any] =
            isRollback
            ? ["stack_fail": ["Machine": "no capacity"], "stack_rollback_fail": ["Machine": "it is in use"]]
            : ["stack_delete_fail": ["Machine": "it is in use"], "stack_delete_failures": 1]
        try await AssetsAccount.with(knobs: trouble) { account in
            let ami = try await account.image("0.1.0")
            if isRollback {
                try await account.machine("0.1.0", ami, until: status)
            } else {
                try await account.machine("0.1.0", ami)
                _ = try await account.client.call(
                    CloudFormation.DeleteStack(stackName: account.stackName("0.1.0")))
            }
            let shown = try await account.show("--asset-id", "0.1.0", "--asset-type", "stack")
            #expect(shown.rows.first?["state"] as? String == status)
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "0.1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(try await account.show("--asset-id", "0.1.0").rows.isEmpty)
        }
    }

    @Test(
        "in a bucket that keeps old versions they are listed, paid for and removed",
        arguments: ["Enabled", "Suspended"])
    func versions(status: String) async throws {
        try await AssetsAccount.with(knobs: ["page_size": 3], versioning: "Enabled") { account in
            let (kept, deleted) = ("data_science_sandbox/1.0/kept.vhd", "data_science_sandbox/1.0/deleted.vhd")
            for key in [kept, kept, deleted, "data_science_sandbox/1.1/other.vhd"] { try await account.put(key) }
            _ = try await account.client.call(S3.DeleteObjects(bucket: AssetsAccount.bucket, keys: [deleted]))
            try await account.setVersioning(status)
            let shown = try await account.show("--asset-id", "1.0")
            let rows = shown.rows.map { [$0["id"], $0["state"]].map { $0 as? String ?? "" }.joined(separator: " ") }
            #expect(
                Set(rows) == [
                    "\(deleted) delete marker", "\(deleted) old version, standard", "\(kept) standard",
                    "\(kept) old version, standard",
                ], "\(rows)")
            #expect(shown.rows.count { $0["url"] as? String != nil } == 1)
            #expect(shown.rows.count { ($0["estimated_usd_per_month"] as? Double) != nil } == 3)
            #expect(Set(shown.rows.compactMap { $0["version"] as? String }).count == 4)

            let removed = try await account.dss("delete-aws-assets", "--asset-id", "1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(removed.output.contains("removed 4 assets"), "\(removed.output)")
            let left = try await account.client.call(S3.ListObjectVersions(bucket: AssetsAccount.bucket))
            #expect(left.versions.map(\.key) == ["data_science_sandbox/1.1/other.vhd"] && left.deleteMarkers.isEmpty)
        }
    }

    @Test("Ctrl-C stops between removals and says what is left; a second run finishes")
    func interrupted() async throws {
        try await AssetsAccount.with(knobs: ["stack_delete_polls": 1000]) { account in
            try await account.build("0.1.0")
            let call = Program.command(
                ["delete-aws-assets", "--asset-id", "0.1.0", "--yes"],
                account.emulator.environment(home: account.home))
            let pidFile = "\(account.home)/pid"
            async let running = SystemCommandRunner().execute(
                Command("sh", ["-c", #"echo $$ >"$0"; exec "$@""#, pidFile, call.executable] + call.arguments))
            // Once it waits for the deletion of the stack, which never ends.
            while try await account.emulator.count("DeleteStack") == 0 { try await Task.sleep(for: .milliseconds(20)) }
            let polls = try await account.emulator.count("DescribeStacks")
            while try await account.emulator.count("DescribeStacks") == polls {
                try await Task.sleep(for: .milliseconds(20))
            }
            kill(try #require(pid_t(readText(pidFile).trimmedLine)), SIGINT)
            let output = try await running
            #expect(output.status == .exited(130), "\(output.standardError)")
            #expect(output.standardOutput.contains("removed export-task"))
            #expect(output.standardError.contains("interrupted; some resources could not be removed"))
            #expect(
                output.standardError.contains("EC2-DATA-SCIENCE-SANDBOX-0-1-0: interrupted while it was being removed"))
            #expect(output.standardError.contains("remove it with: aws ec2 deregister-image"))
            #expect(try await account.show("--asset-id", "0.1.0").ids("ami").count == 1)
            let finished = try await account.dss(
                "delete-aws-assets", "--asset-id", "0.1.0", "--keep", "stack", "--yes")
            #expect(finished.status.isSuccess, "\(finished.errors)")
            #expect(try await account.show("--asset-id", "0.1.0").counts == ["stack": 1, "resource": 1, "instance": 1])
        }
    }

    @Test("all pages are read")
    func pages() async throws {
        try await AssetsAccount.with(knobs: ["page_size": 3]) { account in
            let snapshot = try await account.snapshot("1.0")
            for number in 0..<10 { _ = try await account.image("1.0", "image-\(number)", of: snapshot) }
            for number in 0..<10 { try await account.put("data_science_sandbox/1.0/\(number)") }
            let shown = try await account.show("--asset-id", "1.*", "--asset-type", "ami,s3-object", "snapshot")
            #expect(shown.counts == ["ami": 10, "s3-object": 10, "snapshot": 1])
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "1.0", "--yes")
            #expect(removed.status.isSuccess, "\(removed.errors)")
            #expect(try await account.show("--asset-id", "1.0").rows.isEmpty)
        }
    }

    @Test("a region that does not answer is named, the others are shown all the same")
    func regions() async throws {
        try await AssetsAccount.with { account in
            _ = try await account.image("1.0")
            let all = try await account.show("--region", "all", "--asset-id", "1.0")
            #expect(all.status.isSuccess, "\(all.errors)")
            #expect(all.counts == ["ami": 1, "snapshot": 1])
            try await account.order("denied", "DescribeSnapshots")
            let some = try await account.show("--region", "eu-central-1", "us-east-1", "--asset-id", "1.0")
            #expect(some.status == .exited(77))
            #expect(some.errors.contains(/cannot list assets in [a-z0-9-]+: EC2 DescribeSnapshots failed with/))
        }
    }

    @Test("without the stack of the bucket there are no objects and no error")
    func noBucket() async throws {
        try await AssetsAccount.with { account in
            _ = try await account.client.call(
                CloudFormation.DeleteStack(stackName: "DATA-SCIENCE-SANDBOX-VM-Bucket"))
            let shown = try await account.show("--asset-id", "1.0")
            #expect(shown.status.isSuccess, "\(shown.errors)")
            #expect(shown.rows.isEmpty)
        }
    }

    @Test("Markdown is written beside what is shown")
    func outFile() async throws {
        try await AssetsAccount.with { account in
            _ = try await account.image("1.0")
            let file = "\(account.home)/assets.md"
            let said = try await account.dss("show-aws-assets", "--asset-id", "1.0", "--out-file", file)
            #expect(said.output.contains("1.0 in eu-central-1\nami "), "\(said.output)")
            let text = try readText(file)
            #expect(text.hasPrefix("| asset | region | type | id | state | size | $/mo | url |\n"))
            #expect(text.contains("Costs are rough estimates"))
        }
    }
}

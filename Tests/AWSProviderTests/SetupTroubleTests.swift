import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Testing
import Workbench

extension SetupTests {
    /// What fails is explained and offered for removal; what is interrupted leaves nothing.
    @Suite("failures", .serialized)
    struct Trouble {
        static let reason = "User is not authorized to perform wafv2:CreateWebACL"
        static let fail = ["stack_fail": ["VMDownloadACL": reason]]

        @Test("a failed creation is explained, removed on request, and works the next time")
        func creation() async throws {
            try await Administrator.with(knobs: Self.fail) { admin in
                let seen = try await admin.atTerminal("setup-vm-bucket-waf") { program in
                    _ = try await program.expect("Execute these changes? [y/N]")
                    try await program.send("y")
                    _ = try await program.expect("Remove the failed stack? [y/N]")
                    try await program.send("n")
                }
                #expect(seen.contains("VMDownloadACL (AWS::WAFv2::WebACL) CREATE_FAILED: \(Self.reason)"), "\(seen)")
                // The sentence is broken between words.
                #expect(seen.contains(/could\s+not\s+be\s+created:\s+ROLLBACK_COMPLETE/))
                #expect(seen.contains("rc=1"))
                #expect(try await admin.stack(.vmBucketWAF)?.stackStatus == "ROLLBACK_COMPLETE")

                let refused = try await admin.dss("setup-vm-bucket-waf", "--plan")
                #expect(refused.status == .exited(1))
                #expect(
                    refused.errors.contains(Self.reason) && refused.errors.contains("aws cloudformation delete-stack"))

                try await admin.set(["stack_fail": [String: String]()])
                let made = try await admin.dss("setup-vm-bucket-waf", "--yes", "--json")
                #expect(made.json["outcome"] as? String == "created", "\(made.errors)")
                #expect(made.errors.contains("deleting stack"))
            }
        }

        @Test("a failed update reports why, and that nothing has changed")
        func update() async throws {
            try await Administrator.with { admin in
                try await admin.dss("setup-vm-bucket-waf", "--yes")
                try await admin.set(Self.fail)
                let said = try await admin.dss("setup-vm-bucket-waf", "--yes", "--rate-limit", "500")
                #expect(said.status == .exited(1))
                #expect(said.errors.contains("UPDATE_FAILED: \(Self.reason)"), "\(said.errors)")
                #expect(said.errors.contains("all changes were rolled back"))
                #expect(try await admin.stack(.vmBucketWAF)?.stackStatus == "UPDATE_ROLLBACK_COMPLETE")
            }
        }

        @Test("a failed rollback of an update reports what is stuck and how to continue")
        func stuckUpdate() async throws {
            try await Administrator.with { admin in
                try await admin.dss("setup-vm-bucket-waf", "--yes")
                try await admin.set(Self.fail.merging(["stack_rollback_fail": ["AllowedIpSet": "it is in use"]]) { $1 })
                let said = try await admin.dss("setup-vm-bucket-waf", "--yes", "--rate-limit", "500")
                #expect(said.status == .exited(1))
                #expect(said.errors.contains("UPDATE_FAILED: \(Self.reason)"), "\(said.errors)")
                let way = "aws cloudformation continue-update-rollback --region us-east-1 --stack-name"
                #expect(said.errors.contains("could not be updated: UPDATE_ROLLBACK_FAILED"), "\(said.errors)")
                #expect(said.errors.contains(way))
                #expect(!said.errors.contains("all changes were rolled back"))

                try await admin.set(["stack_fail": [String: String]()])
                let again = try await admin.dss("setup-vm-bucket-waf", "--yes", "--rate-limit", "600")
                #expect(again.status == .exited(1))
                #expect(
                    again.errors.contains("cannot be updated: its status is UPDATE_ROLLBACK_FAILED"), "\(again.errors)")
                #expect(again.errors.contains(Self.reason) && again.errors.contains(way))
            }
        }

        @Test("a failed rollback of a creation is explained, and removed on request")
        func stuckCreation() async throws {
            let stuck = Self.fail.merging(["stack_rollback_fail": ["AllowedIpSet": "it is in use"]]) { $1 }
            try await Administrator.with(knobs: stuck) { admin in
                let said = try await admin.dss("setup-vm-bucket-waf", "--yes")
                #expect(said.status == .exited(1))
                #expect(said.errors.contains("could not be created: ROLLBACK_FAILED"), "\(said.errors)")
                #expect(said.errors.contains("CREATE_FAILED: \(Self.reason)"))
                #expect(said.errors.contains("also AllowedIpSet DELETE_FAILED: it is in use"), "\(said.errors)")
                #expect(said.errors.contains("the failed stack was deleted"))
                #expect(try await admin.stack(.vmBucketWAF) == nil)
            }
        }

        @Test("answering no, or Ctrl-C, leaves nothing behind", arguments: ["n", "\u{3}"])
        func question(_ answer: String) async throws {
            try await Administrator.with { admin in
                let seen = try await admin.atTerminal("setup-vm-bucket-waf") { program in
                    _ = try await program.expect("Execute these changes? [y/N]")
                    try await program.send(answer)
                }
                #expect(seen.contains(answer == "n" ? /rc=1\s/ : /rc=130\s/), "\(seen)")
                #expect(seen.contains(answer == "n" ? "nothing was changed" : "interrupted; everything was cleaned up"))
                #expect(try await admin.stack(.vmBucketWAF) == nil)
                #expect(try await admin.count("ExecuteChangeSet") == 0)
            }
        }

        @Test(
            "Ctrl-C during change set creation removes it, and a stack that was new", arguments: [false, true])
        func duringChangeSet(isThere: Bool) async throws {
            try await Administrator.with { admin in
                if isThere { try await admin.dss("setup-vm-bucket-waf", "--yes") }
                try await admin.set(["change_set_polls": 1000])
                let before = try await admin.count("CreateChangeSet")
                let seen = try await admin.atTerminal("setup-vm-bucket-waf", "--rate-limit", "500") { program in
                    while try await admin.count("CreateChangeSet") == before {
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    try await program.send("\u{3}")
                }
                #expect(seen.contains("rc=130"), "\(seen)")
                #expect(try await admin.stack(.vmBucketWAF)?.stackStatus == (isThere ? "CREATE_COMPLETE" : nil))
                #expect(try await admin.count("DeleteChangeSet") == 1)
            }
        }

        @Test("Ctrl-C during stack creation reports that AWS continues")
        func duringExecution() async throws {
            try await Administrator.with(knobs: ["stack_polls": 1000]) { admin in
                let seen = try await admin.atTerminal("setup-vm-bucket-waf", "--yes") { program in
                    _ = try await program.expect("CREATE_COMPLETE")
                    try await program.send("\u{3}")
                }
                #expect(seen.contains("rc=130"), "\(seen)")
                #expect(seen.contains("AWS is still creating stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF in us-east-1"))
                let busy = try await admin.dss("setup-vm-bucket-waf", "--yes")
                #expect(busy.status == .exited(75))
                #expect(busy.errors.contains("has a change in progress: CREATE_IN_PROGRESS"), "\(busy.errors)")
            }
        }

        @Test("Ctrl-C at the offer to remove a failed stack reports that the stack remains")
        func removalQuestion() async throws {
            try await Administrator.with(knobs: Self.fail) { admin in
                let seen = try await admin.atTerminal("setup-vm-bucket-waf") { program in
                    _ = try await program.expect("Execute these changes? [y/N]")
                    try await program.send("y")
                    _ = try await program.expect("Remove the failed stack? [y/N]")
                    try await program.send("\u{3}")
                }
                #expect(seen.contains("rc=130"), "\(seen)")
                #expect(seen.contains("not deleted: the failed stack DATA-SCIENCE-SANDBOX-VM-Bucket-WAF"), "\(seen)")
            }
        }

        static let mutations = ["CreateChangeSet", "ExecuteChangeSet", "UpdateTerminationProtection"]

        @Test("a lost response or a failure of AWS is overcome", arguments: mutations, ["applied-then-reset", "503"])
        func fault(_ action: String, _ kind: String) async throws {
            try await Administrator.with { admin in
                try await admin.emulator.control(["faults": [["kind": kind, "action": action]]])
                let said = try await admin.dss("setup-vm-bucket-waf", "--yes", "--json")
                #expect(said.json["outcome"] as? String == "created", "\(said.errors)")
                #expect(try await admin.stack(.vmBucketWAF)?.enableTerminationProtection == true)
            }
        }

        @Test(
            "a denied operation leaves nothing behind",
            arguments: ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"])
        func denied(_ action: String) async throws {
            try await Administrator.with { admin in
                try await admin.emulator.control(["faults": [["kind": "denied", "action": action]]])
                let said = try await admin.dss("setup-vm-bucket-waf", "--yes")
                #expect(said.status == .exited(77), "\(said.errors)")
                #expect(said.errors.contains("the identity needs the permission cloudformation:"), "\(said.errors)")
                #expect(try await admin.stack(.vmBucketWAF) == nil)
            }
        }

        @Test("leftovers of an interrupted run are no obstacle")
        func draft() async throws {
            try await Administrator.with { admin in
                try await admin.emulator.control([
                    "faults": [
                        ["kind": "denied", "action": "DeleteStack"], ["kind": "denied", "action": "DeleteStack"],
                    ]
                ])
                let left = try await admin.dss("setup-vm-bucket-waf", "--plan")
                #expect(left.status == .exited(77), "\(left.errors)")
                #expect(left.errors.contains("remove it with: aws cloudformation delete-stack"), "\(left.errors)")
                #expect(try await admin.stack(.vmBucketWAF)?.stackStatus == "REVIEW_IN_PROGRESS")
                let made = try await admin.dss("setup-vm-bucket-waf", "--yes", "--json")
                #expect(made.json["outcome"] as? String == "created", "\(made.errors)")
            }
        }
    }
}

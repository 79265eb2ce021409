import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import HTTPTransport
import Testing
import Workbench

@testable import AWSProvider

extension SetupTests {
    /// The projects on CodeBuild, deployed by the real program.
    @Suite("dss setup-ci-codebuild and setup-release-codebuild")
    struct CodeBuildTests {
        static let password = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:password-AbCdEf"
        static let token = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-AbCdEf"
        static let registry = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf"
        static let secrets = ["--password-secret", password, "--github-token-secret", token]
        static let connection = "arn:aws:codeconnections:eu-central-1:123456789012:connection/0a-1b"
        static let uploadURL = "https://uploads.github.com/repos/exasol/data-science-sandbox/releases/1/assets"

        @Test("the tests: deployed, deployed again, changed, and taken back from a change")
        func tests() async throws {
            try await Administrator.with { admin in
                let made = try await admin.dss("setup-ci-codebuild", "--yes", "--json")
                #expect(made.json["outcome"] as? String == "created", "\(made.errors)")
                #expect(made.outputs == ["CodeBuildProject": "DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD"])
                let stack = try #require(try await admin.stack(.ciCodeBuild))
                #expect(stack.enableTerminationProtection == true)
                #expect(stack.tags == [.init(key: "created-by", value: "dss")])
                let again = try await admin.dss("setup-ci-codebuild", "--yes", "--json")
                #expect(again.json["outcome"] as? String == "unchanged")

                let words = [
                    "--connection", Self.connection, "--image", "example/swift:1", "--log-retention-days", "90",
                ]
                let changed = try await admin.run(["setup-ci-codebuild", "--yes", "--json"] + words)
                #expect(changed.json["outcome"] as? String == "updated", "\(changed.errors)")
                let kept = try await admin.dss("setup-ci-codebuild", "--compute-type", "medium", "--yes", "--json")
                #expect(kept.json["outcome"] as? String == "updated")
                let now = try #require(try await admin.stack(.ciCodeBuild)).parameterValues
                #expect(now["ConnectionArn"] == Self.connection && now["LogRetentionDays"] == "90")
                #expect(now["ComputeType"] == "BUILD_GENERAL1_MEDIUM")

                try await admin.set(["stack_fail": ["CodeBuild": "Repository not found or permission denied."]])
                let broken = try await admin.dss("setup-ci-codebuild", "--connection", "none", "--yes")
                #expect(broken.status == .exited(1))
                #expect(broken.errors.contains("Repository not found or permission denied."), "\(broken.errors)")
                #expect(broken.errors.contains("all changes were rolled back"))
                #expect(try await admin.stack(.ciCodeBuild)?.stackStatus == "UPDATE_ROLLBACK_COMPLETE")
            }
        }

        @Test("the release stack needs its secrets once and shows them nowhere")
        func release() async throws {
            try await Administrator.with { admin in
                let lacking = try await admin.dss(
                    "setup-release-codebuild", "--yes", "--password-secret", Self.password)
                #expect(lacking.status == .exited(64))
                #expect(lacking.errors.contains("needs --github-token-secret\n"), "\(lacking.errors)")
                #expect(try await admin.count("CreateChangeSet") == 0)

                let made = try await admin.run(["setup-release-codebuild", "--yes", "--json"] + Self.secrets)
                #expect(made.json["outcome"] as? String == "created", "\(made.errors)")
                #expect(made.outputs["DefaultPasswordSecretArn"] == Self.password)
                let more = try await admin.dss("setup-release-codebuild", "--registry-secret", Self.registry, "--yes")
                #expect(more.status == .exited(0), "\(more.errors)")
                let less = try await admin.dss(
                    "setup-release-codebuild", "--registry-secret", "none", "--yes", "--json")
                #expect(less.json["outcome"] as? String == "updated")
                #expect(
                    try await admin.stack(.releaseCodeBuild)?.parameterValues["DefaultPasswordSecret"] == Self.password)
            }
        }

        @Test("a failed creation is explained and leaves nothing behind")
        func failedCreation() async throws {
            let reason = "Failed to call CreateWebhook, reason: Could not find access token for server type github"
            try await Administrator.with(knobs: ["stack_fail": ["CodeBuild": reason]]) { admin in
                let said = try await admin.dss("setup-ci-codebuild", "--yes")
                #expect(said.status == .exited(1))
                #expect(said.errors.contains("CodeBuild (AWS::CodeBuild::Project) CREATE_FAILED: \(reason)"))
                #expect(said.errors.contains("the failed stack was deleted"), "\(said.errors)")
                #expect(try await admin.stack(.ciCodeBuild) == nil)
            }
        }

        @Test("wrong options are reported all at once, without the secret itself")
        func wrongOptions() async throws {
            try await Administrator.with { admin in
                let said = try await admin.dss(
                    "setup-release-codebuild", "--yes", "--password-secret", "hunter2", "--compute-type", "huge",
                    "--log-retention-days", "2", "--repository-url", "git@github.com:a/b", "--connection", "x",
                    "--image", "two words")
                #expect(said.status == .exited(64))
                for flag in ["--password-secret", "--compute-type", "--log-retention-days", "--repository-url"] {
                    #expect(said.errors.contains(flag), "\(flag): \(said.errors)")
                }
                #expect(!said.errors.contains("hunter2"), "\(said.errors)")
                #expect(try await admin.emulator.mark() == 0)
            }
        }

        @Test("removal as the guide describes leaves nothing in the way of the next setup")
        func removal() async throws {
            try await Administrator.with { admin in
                for outcome in 1...2 {
                    let made = try await admin.dss("setup-ci-codebuild", "--yes", "--json")
                    #expect(made.json["outcome"] as? String == "created", "\(outcome): \(made.errors)")
                    try await withHTTPTransport { transport in
                        let client = admin.emulator.client(transport)
                        let name = PermanentStack.ciCodeBuild.name
                        _ = try await client.call(
                            CloudFormation.UpdateTerminationProtection(
                                stackName: name, enableTerminationProtection: false))
                        _ = try await client.call(CloudFormation.DeleteStack(stackName: name))
                        let polling = PollingPolicy(
                            first: .milliseconds(20), longest: .milliseconds(100), limit: .seconds(30))
                        try await client.wait(for: "the removal of stack \(name)", at: polling) {
                            try await admin.stack(.ciCodeBuild) == nil ? () : nil
                        }
                    }
                }
            }
        }

        @Test("they are listed as permanent, and no removal touches them")
        func permanence() async throws {
            try await Administrator.with { admin in
                try await admin.dss("setup-ci-codebuild", "--yes")
                let listed = try await admin.dss("show-aws-assets")
                #expect(listed.output.contains("DATA-SCIENCE-SANDBOX-CI-TEST-CODEBUILD"), "\(listed.errors)")
                let removal = try await admin.dss("delete-aws-assets", "--asset-id", "*", "--yes")
                #expect(removal.status == .exited(0), "\(removal.errors)")
                #expect(try await admin.stack(.ciCodeBuild)?.stackStatus == "CREATE_COMPLETE")
            }
        }
    }
}

@Suite("Permissions of the CodeBuild roles")
struct CodeBuildRoleTests {
    @Test(
        "it is what dss iam-policy says of the commands that run there, no more and no less",
        arguments: [
            (
                PermanentStack.ciCodeBuild,
                ["create-vm", "verify-ami", "show-aws-assets", "delete-aws-assets"]
            ),
            (
                .releaseCodeBuild,
                [
                    "create-vm", "create-docker-image", "make-ami-public", "update-release", "publish-index",
                    "show-aws-assets",
                ]
            ),
        ])
    func actions(_ stack: PermanentStack, _ commands: [String]) throws {
        var needed: Set<String> = []
        for command in commands { needed.formUnion(try #require(CommandOperations.of(command)).permissions) }
        let policy = stack.template.split(separator: "PolicyName: sandbox")[1].split(separator: "- !If")[0]
        let actions = policy.matches(of: #/(?:- |Action: )([a-z0-9]+:[A-Z]\w+)\n/#).map { String($0.1) }
        #expect(needed.subtracting(actions) == [], "missing")
        #expect(Set(actions).subtracting(needed) == [], "not needed")
        #expect(Set(actions).count == actions.count || stack == .releaseCodeBuild)
    }
}

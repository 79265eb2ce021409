import AWSCore
import AWSServices
import AWSTestSupport
import Foundation
import Testing
import Workbench

@testable import AWSProvider

/// The policies that `dss iam-policy` prints, held against AWS's tables.
@Suite("Minimal IAM policies")
struct IAMPolicyTests {
    static let commands = CommandOperations.table.map(\.command)

    static func policy(_ command: String?) throws -> [String: Any] {
        let words = try words(["iam-policy"] + (command.map { ["--command", $0] } ?? []))
        return try JSONSerialization.jsonObject(with: Data(words.utf8)) as? [String: Any] ?? [:]
    }

    /// What the real program prints.
    static func words(_ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: Program.dss)
        process.arguments = arguments
        process.currentDirectoryURL = PythonProcess.root
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self)
    }

    @Test("parliament accepts every policy, and no resource is wider than necessary")
    func soundness() throws {
        var policies: [String: Any] = [:]
        for command in Self.commands { policies[command] = try Self.policy(command) }
        #expect(policies.count == Self.commands.count)
        #expect(try PolicyLint.complaints(["policies": policies]) == [])
    }

    @Test("what CloudFormation does for a resource is what AWS lists for its type")
    func resources() throws {
        #expect(try PolicyLint.complaints(["resources": ResourcePermissions.table]) == [])
    }

    @Test("every type of resource of every template has its permissions", arguments: StackTemplate.allCases)
    func templates(_ template: StackTemplate) {
        #expect(!template.resourceTypes.isEmpty)
        for type in template.resourceTypes {
            #expect(ResourcePermissions.table[type]?.isEmpty == false, "\(type)")
        }
    }

    @Test("every type that has permissions stands in a template")
    func types() {
        let used = Set(StackTemplate.allCases.flatMap(\.resourceTypes))
        #expect(used == Set(ResourcePermissions.table.keys))
        #expect(StackTemplate.vmBucketWAF.resourceTypes == ["AWS::WAFv2::IPSet", "AWS::WAFv2::WebACL"])
    }

    @Test("every operation that the provider calls is declared by some command")
    func completeness() throws {
        let pattern = #/(?:call|items|pages)\((?:of: )?(\w+)\.(\w+)\(/#
        let called = try Self.operations(in: ["AWSProvider"], pattern)
        #expect(called.count > 20)
        #expect(called.subtracting(Self.declared) == [])
    }

    @Test("every operation that a command declares is made somewhere")
    func necessity() throws {
        let folders = ["AWSProvider", "Releasing", "dss", "AWS/AWSIdentity", "AWS/AWSServices/Transfers"]
        let made = try Self.operations(in: folders, #/\b([A-Z]\w*)\.([A-Z]\w*)\(/#)
        #expect(Self.declared.count > 60)
        #expect(Self.declared.subtracting(made) == [])
    }

    private static let declared = Set(
        CommandOperations.table.flatMap(\.operations).map { "\($0.service.id).\($0.name)" })

    /// - Parameter pattern: its groups are the service and the name of an operation.
    /// - Returns: what matches in the folders of `Sources`, as in `declared`.
    private static func operations(
        in folders: [String], _ pattern: Regex<(Substring, Substring, Substring)>
    ) throws -> Set<String> {
        var found: Set<String> = []
        for folder in folders {
            let place = PythonProcess.root.appending(path: "Sources/\(folder)")
            let files = FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil)?.allObjects as? [URL]
            for file in try #require(files) where file.pathExtension == "swift" {
                let text = try String(contentsOf: file, encoding: .utf8)
                found.formUnion(
                    text.matches(of: pattern).map { match in
                        let service = Self.serviceIDs[String(match.output.1)] ?? String(match.output.1)
                        return "\(service).\(match.output.2)"
                    })
            }
        }
        return found
    }

    /// Where the name in Swift is not AWS's ID of the service.
    private static let serviceIDs = [
        "ServiceQuotas": ServiceQuotas.service.id, "Logs": Logs.service.id,
    ]

    @Test("resources are as narrow as the options allow")
    func scope() throws {
        var scope = PolicyScope()
        scope.account = "123456789012"
        scope.region = "eu-central-1"
        scope.bucket = "images"
        scope.exportRole = "exporter"
        let policy = IAMPolicy(try #require(CommandOperations.of("create-vm")), scope)
        let resources = { (action: String) in policy.statements.first { $0.actions.contains(action) }?.resources }
        #expect(resources("s3:PutObject") == ["arn:aws:s3:::images/data_science_sandbox/*"])
        #expect(resources("s3:ListBucket") == ["arn:aws:s3:::images"])
        #expect(
            resources("cloudformation:CreateChangeSet") == [
                "arn:aws:cloudformation:eu-central-1:123456789012:stack/EC2-DATA-SCIENCE-SANDBOX-*/*"
            ])
        #expect(
            resources("cloudformation:DescribeStacks") == [
                "arn:aws:cloudformation:eu-central-1:123456789012:stack/EC2-DATA-SCIENCE-SANDBOX-*/*",
                "arn:aws:cloudformation:eu-central-1:123456789012:stack/DATA-SCIENCE-SANDBOX-*/*",
            ])
        #expect(resources("ec2:DeleteSnapshot") == ["arn:aws:ec2:eu-central-1::snapshot/*"])
        #expect(resources("ec2:DescribeImages") == ["*"])
        let setup = IAMPolicy(try #require(CommandOperations.of("setup-ci-codebuild")), scope)
        let given = try #require(setup.statements.first { $0.actions == ["iam:PassRole"] })
        #expect(given.resources == ["arn:aws:iam::123456789012:role/DATA-SCIENCE-SANDBOX-*-CodeBuildRole-*"])
        #expect(given.passedTo == ["codebuild.amazonaws.com"])
        let index = IAMPolicy(try #require(CommandOperations.of("publish-index")), scope)
        let stored = try #require(index.statements.first { $0.actions.contains("s3:PutObject") })
        #expect(stored.resources.contains("arn:aws:s3:::images/index.html"))
        let pass = try #require(policy.statements.first { $0.actions == ["iam:PassRole"] })
        #expect(pass.resources == ["arn:aws:iam::123456789012:role/exporter"])
        #expect(pass.passedTo == ["vmie.amazonaws.com"])
    }

    @Test("whoami needs no permissions; an unknown command has no policy")
    func edges() throws {
        #expect(try (Self.policy("whoami")["Statement"] as? [Any])?.isEmpty == true)
        #expect(CommandOperations.of("create-cake") == nil)
        let all = try #require(CommandOperations.of())
        for command in CommandOperations.table {
            #expect(Set(command.permissions).isSubset(of: all.permissions))
        }
    }
}

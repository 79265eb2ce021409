import AWSProvider
import ArgumentParser
import Definition
import Reporting
import Sandbox

/// `dss iam-policy`
struct IAMPolicyCommand: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "iam-policy",
        abstract: "Print the minimal IAM policy for a command",
        discussion: """
            Prints an IAM policy as JSON. It allows the API calls that the command makes and those that CloudFormation \
            makes with the caller's permissions. Specify the account, region and bucket to narrow it down. Makes no \
            AWS API calls.

            Commands: \(CommandOperations.table.map(\.command).joined(separator: ", ")).

            Examples:
              dss iam-policy --command create-vm --account 123456789012 \\
                  --region eu-central-1
              dss iam-policy --command show-aws-assets > policy.json
              aws iam create-policy --policy-name dss-build \\
                  --policy-document "$(dss iam-policy --command create-vm)"
            """)

    @Option(help: ArgumentHelp("Command to print the policy for (default: all commands)", valueName: "name"))
    var command: String?

    @Option(help: ArgumentHelp("AWS account (default: any)", valueName: "number"))
    var account: String?

    @Option(help: ArgumentHelp("AWS region (default: any)", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("S3 bucket of images (default: any bucket that its stack creates)", valueName: "name"))
    var bucket: String?

    @Option(
        help: ArgumentHelp("IAM role for exports (default: any role that the bucket stack creates)", valueName: "name"))
    var exportRole: String?

    @Option(help: ArgumentHelp("AWS partition: aws, aws-cn or aws-us-gov", valueName: "name"))
    var partition = "aws"

    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        if let account, account.wholeMatch(of: /[0-9]{12}/) == nil {
            throw ValidationError("'\(account)' is not an AWS account number of 12 digits")
        }
    }

    func run(in live: Live) async throws {
        guard let need = CommandOperations.of(command) else {
            let known = CommandOperations.table.map(\.command)
            let near = DidYouMean.suggestion(for: command ?? "", among: known)
            throw Failure(
                .usage, "'\(command ?? "")' is not a command that calls AWS" + (near.map { "; \($0)" } ?? ""),
                advice: "choose one of \(known.joined(separator: ", "))")
        }
        live.standardOutput.write(IAMPolicy(need, try scope(live)).json.pretty + "\n")
    }

    private func scope(_ live: Live) throws -> PolicyScope {
        var scope = PolicyScope(names: try live.names(definition))
        scope.partition = partition
        scope.account = account ?? scope.account
        scope.region = region ?? scope.region
        scope.bucket = bucket ?? scope.bucket
        scope.exportRole = exportRole ?? scope.exportRole
        return scope
    }
}

extension IAMPolicy {
    var json: JSONValue {
        .object([
            ("Version", .string(Self.version)), ("Statement", .array(statements.map(\.json))),
        ])
    }
}

extension IAMPolicy.Statement {
    fileprivate var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("Sid", .string(sid)), ("Effect", .string("Allow")), ("Action", .array(actions.map { .string($0) })),
            ("Resource", .array(resources.map { .string($0) })),
        ]
        if !passedTo.isEmpty {
            let service = JSONValue.object([("iam:PassedToService", .array(passedTo.map { .string($0) }))])
            members.append(("Condition", .object([("StringEquals", service)])))
        }
        return .object(members)
    }
}

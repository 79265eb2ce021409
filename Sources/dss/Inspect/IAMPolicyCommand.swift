import AWSProvider
import ArgumentParser
import Reporting
import Sandbox

/// `dss iam-policy`
struct IAMPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "iam-policy",
        abstract: "Prints the least that a command must be allowed on AWS.",
        discussion: """
            A policy of IAM, as JSON, from the calls that the command makes and what CloudFormation does for it with \
            the caller's permissions. Narrow it by saying account, region and bucket. Calls nobody.

            Commands: \(CommandOperations.table.map(\.command).joined(separator: ", ")).

            Examples:
              dss iam-policy --command create-vm --account 123456789012 \\
                  --region eu-central-1
              dss iam-policy --command show-aws-assets > policy.json
              aws iam create-policy --policy-name dss-build \\
                  --policy-document "$(dss iam-policy --command create-vm)"
            """)

    @Option(help: ArgumentHelp("The command; all together where nothing is said.", valueName: "name"))
    var command: String?

    @Option(help: ArgumentHelp("The account; any by default.", valueName: "number"))
    var account: String?

    @Option(help: ArgumentHelp("The region; any by default.", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("The bucket of images; any that its stack makes by default.", valueName: "name"))
    var bucket: String?

    @Option(
        help: ArgumentHelp("The role that AWS exports with; any that its stack makes by default.", valueName: "name"))
    var exportRole: String?

    @Option(help: ArgumentHelp("Where the account is: aws, aws-cn or aws-us-gov.", valueName: "name"))
    var partition = "aws"

    @OptionGroup var definition: DefinitionOptions

    func validate() throws {
        if let account, account.wholeMatch(of: /[0-9]{12}/) == nil {
            throw ValidationError("An account is a number of 12 digits, not '\(account)'.")
        }
    }

    func run() async throws {
        guard let need = CommandOperations.of(command) else {
            let known = CommandOperations.table.map(\.command)
            throw Failure(
                .usage, "no command '\(command ?? "")' calls AWS",
                advice: "it is one of \(known.joined(separator: ", "))")
        }
        Terminal.standardOutput.write(IAMPolicy(need, try scope()).json.pretty + "\n")
    }

    private func scope() throws -> PolicyScope {
        var scope = PolicyScope(names: try Live().names(definition))
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

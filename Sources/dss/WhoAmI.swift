import AWSIdentity
import ArgumentParser
import FoundationEssentials
import Reporting

/// `dss whoami`
struct WhoAmI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Shows who calls AWS, in which region, and where each of that comes from.",
        discussion: """
            Credentials are looked for as the AWS CLI does: --aws-profile alone where it is given; else environment, \
            profile, web identity (Kubernetes, GitHub workflow), container, instance. No secret is ever shown.

            Exits with 77 where there are no credentials or AWS does not take them.

            Examples:
              dss whoami
              dss whoami --aws-profile release --region eu-central-1
              AWS_PROFILE=release dss whoami --json
              dss whoami --log-level debug --trace-aws calls.jsonl
            """)

    @OptionGroup var aws: AWSOptions

    @Flag(help: "Prints JSON.")
    var json = false

    func run() async throws {
        let sheet = try await Live().withAWS(aws) { identity in
            FactSheet(identity, try await identity.whoAmI(), now: Date())
        }
        let terminal = Terminal.standardOutput
        terminal.write(json ? sheet.json.pretty + "\n" : sheet.text(terminal.style))
    }
}

import AWSCore
import AWSProvider
import ArgumentParser
import Reporting
import Sandbox
import Verification

/// `dss verify-ami`
struct VerifyAMI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-ami",
        abstract: "Proves that an AMI boots on EC2 and is what it claims to be.",
        discussion: """
            Starts two instances of the AMI, each in a stack of its own, and makes the checks of 'dss verify-vm' on them: \
            changes the default password of one as a user would, and looks at JupyterLab, Docker, Poetry, the message \
            of the day and at what the seal should have removed. The host keys are those that cloud-init writes to the \
            instances' consoles; no others are believed. The default password is that of the image: \
            --default-password-file, --ask-default-password or DSS_DEFAULT_PASSWORD.

            The instances are removed afterwards, and that is waited for. Exits with 1 where a check fails; \
            where AWS itself fails, with the code of that failure.

            Examples:
              dss verify-ami --asset-id 0.1.0 --ask-default-password
              dss verify-ami ami-0123456789abcdef0 --region eu-central-1 \\
                  --default-password-file secret.txt --json
              dss verify-ami --asset-id 0.1.0 --keep-on-failure --lifetime 2
            """)

    @OptionGroup var image: ImageOptions
    @OptionGroup var password: PasswordOptions
    @OptionGroup var reach: ReachOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    @Flag(help: "Prints JSON.")
    var json = false

    @Flag(
        name: .customLong("keep-on-failure"),
        help: "Leaves the instances up where a check fails, and says how to remove them.")
    var keepOnFailure = false

    @Option(
        help: ArgumentHelp("Where the console log is kept when a check fails.", valueName: "folder"),
        completion: .directory)
    var logs = "."

    func run() async throws {
        let live = Live()
        let secret = try password.knownPassword(environment: live.environment)
        let trial = try live.trial(reach, definition)
        let writer = CheckWriter(json: json)
        let report = try await live.withImages(aws, definition) { client, names in
            let image = try await image.search.startable(in: client, names: names)
            writer.begin("\(image.source.id) (\(image.source.name)) on \(trial.instanceType) in \(client.region)")
            return try await trial.withCopies(of: image, client, writer, keepOnFailure: keepOnFailure) { guests in
                try await verifyVM(
                    image: image.source.id, on: guests,
                    expecting: Expectations(
                        user: trial.user(of: image), password: secret, jupyterPassword: secret,
                        jupyterPort: trial.jupyterPort(of: image), missing: image.facts?.missing ?? []),
                    runner: live.runner, logs: logs, onProgress: writer.progress, onCheck: writer.check)
            }
        }
        writer.end(report)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}

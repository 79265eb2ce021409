import AWSCore
import AWSProvider
import ArgumentParser
import Definition
import Reporting
import Sandbox
import Verification
import Workbench

/// `dss verify-ami`
struct VerifyAMI: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-ami",
        abstract: "Boot an AMI on EC2 and verify the sandbox",
        discussion: """
            Starts two instances of the AMI, each in its own stack, and runs the checks of 'dss verify-vm' on them: \
            changes the default password of one instance as a user would, and checks JupyterLab, Docker, Poetry, the \
            message of the day, and everything that sealing must remove. Starts a kernel, runs the notebooks of the \
            sandbox, and imports every installed distribution. Trusts only the host keys that cloud-init \
            writes to the instances' consoles. Give the default password of the image with --default-password-file, \
            --ask-default-password or DSS_DEFAULT_PASSWORD.

            Removes the instances afterwards and waits until they are gone. Exits with 1 if a check fails; if AWS \
            itself fails, exits with the code of that failure.

            Examples:
              dss verify-ami --asset-id 0.1.0 --ask-default-password
              dss verify-ami ami-0123456789abcdef0 --region eu-central-1 \\
                  --default-password-file secret.txt --json
              dss verify-ami --asset-id 0.1.0 --keep-on-failure --lifetime 2
            """)

    @OptionGroup var image: ImageOptions
    @OptionGroup var password: PasswordOptions
    @OptionGroup var reach: InstanceAccessOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var definition: DefinitionOptions

    @Flag(help: .json)
    var json = false

    @Flag(
        name: .customLong("keep-on-failure"),
        help: "Keep the instances running if a check fails, and print how to remove them")
    var keepOnFailure = false

    @Option(
        help: """
            Checks to run: login only tries to log in and to open JupyterLab, system checks everything except what \
            runs in kernels, which takes many minutes without KVM
            """)
    var checks = CheckScope.all

    @Option(
        help: ArgumentHelp("Directory for the console log if a check fails", valueName: "folder"),
        completion: .directory)
    var logs = "."

    func run(in live: Live) async throws {
        let verification = try live.amiVerification(reach, definition)
        // The prompt waits until the image is found; any other source is read before AWS is asked.
        let given = try password.asks ? nil : password.knownPassword(in: live)
        let writer = CheckWriter(live, json: json)
        let report = try await live.withImages(aws, definition) { client, names in
            let image = try await image.search.startable(in: client, names: names)
            let secret = try given ?? password.knownPassword(in: live)
            let (type, region) = (verification.instanceType, client.region)
            writer.begin("\(image.source.id) (\(image.source.name)) on \(type) in \(region)")
            return try await verification.run(
                image, in: client, copies: GuestCopy.allCases.map(\.rawValue), keepsOnFailure: keepOnFailure,
                events: writer.sink
            ) { guests in
                try await verifyVM(
                    image: image.source.id, on: guests,
                    expecting: Expectations(
                        user: verification.user(of: image), password: secret,
                        jupyterPort: verification.jupyterPort(of: image), missing: image.facts?.missing ?? []),
                    runner: live.runner, scope: checks, logs: logs, onProgress: writer.progress, onCheck: writer.check)
            }
        }
        writer.end(report)
        if !report.passed { throw ExitCode(Failure.Code.failed.rawValue) }
    }
}

extension Live {
    /// How to verify AMIs, from the options and from the definition, if there is one.
    func amiVerification(_ reach: InstanceAccessOptions, _ options: DefinitionOptions) throws -> AMIVerification {
        return AMIVerification(
            try definition(ifPresent: options), networks: try reach.networks,
            sshConfig: try existing(reach.sshConfig), lifetime: .seconds(reach.lifetime * 3600),
            polling: try polling(), machines: try machines())
    }
}

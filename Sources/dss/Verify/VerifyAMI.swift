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
            message of the day, and everything that sealing must remove. Trusts only the host keys that cloud-init \
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
        help: ArgumentHelp("Directory for the console log if a check fails", valueName: "folder"),
        completion: .directory)
    var logs = "."

    func run(in live: Live) async throws {
        let secret = try password.knownPassword(in: live)
        let trial = try live.trial(reach, definition)
        let writer = CheckWriter(live, json: json)
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

/// How instances of an AMI are started for verification, and removed again.
struct AMIVerification: Sendable {
    let live: Live
    let names: SandboxDefinition.Names
    let instanceType: String
    /// User and port from the definition, for an image that does not specify them itself.
    let user: String
    let jupyterPort: Int
    let networks: [IPNetwork]
    let sshConfig: String?
    let hours: Int

    func user(of image: StartableImage) -> String { image.facts?.user ?? user }

    func jupyterPort(of image: StartableImage) -> Int { image.facts?.jupyterPort ?? jupyterPort }

    /// Runs `body` with started instances of the AMI, and removes them afterwards.
    func withCopies(
        of image: StartableImage, _ client: AWSClient, _ writer: CheckWriter, keepOnFailure: Bool,
        _ body: @escaping @Sendable (AMIGuests) async throws -> VerificationReport
    ) async throws -> VerificationReport {
        let undo = Undo()
        let result: Result<VerificationReport, any Error>
        do {
            let guests = try await AMIGuests.start(
                order(image), copies: try copies(of: image, client),
                jupyterPort: jupyterPort(of: image), undo: undo, tell: writer.progress)
            let report = try await body(guests)
            if keepOnFailure, !report.passed {
                for hint in guests.hints { writer.note(hint) }
                _ = await undo.forgetKept()
            } else {
                // A separate task continues if this one is cancelled.
                await Task { await guests.orderRemoval() }.value
            }
            result = .success(report)
        } catch { result = .failure(error) }
        writer.progress(Progress("removing the instances"))
        let leftovers = await Task { await undo.unwind() }.value
        switch result {
        case .failure(let cause):
            throw leftovers.isEmpty ? cause : LeftBehind(cause: cause, leftovers: leftovers)
        case .success(let report):
            for leftover in leftovers { writer.note("warning: \(leftover)") }
            return report
        }
    }

    /// The order for an instance whose disk has the size of the image.
    private func order(_ image: StartableImage) -> MachineOrder {
        MachineOrder(
            source: image.source, instanceType: instanceType, volumeGiB: image.source.rootGiB,
            user: user(of: image), sshNetworks: networks, sshConfig: sshConfig)
    }

    private func copies(of image: StartableImage, _ client: AWSClient) throws -> [String: Machines] {
        try GuestCopy.allCases.reduce(into: [:]) { copies, copy in
            let workspace = AWSWorkspace(
                client, try image.assetID(ofCopy: copy.rawValue), names: names, polling: try live.polling(),
                lifetime: .seconds(hours * 3600))
            copies[copy.rawValue] = live.machines(workspace)
        }
    }
}

extension Live {
    /// The trial settings from the options and from the definition, if there is one.
    func trial(_ reach: InstanceAccessOptions, _ options: DefinitionOptions) throws -> AMIVerification {
        let isDefined = fileExists(options.file) || !options.settings.isEmpty
        let definition = isDefined ? try loaded(options).definition.definition : nil
        return AMIVerification(
            live: self, names: definition?.names ?? .init(),
            instanceType: (definition?.aws ?? .init()).instanceType, user: (definition?.user ?? .init()).name,
            jupyterPort: (definition?.ports ?? .init()).jupyter, networks: try reach.networks,
            sshConfig: try existing(reach.sshConfig), hours: reach.lifetime)
    }
}

import AWSProvider
import ArgumentParser
import Definition
import FoundationEssentials
import Provisioning
import Reporting
import Sandbox

/// `dss setup-ec2`
struct SetupEC2: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ec2",
        abstract: "Start an EC2 instance to build a sandbox on, without building it",
        discussion: """
            Starts an EC2 instance from the definition's source image, in its own stack, and prints how to connect by \
            SSH. Ctrl-C removes the instance and all its resources; with --keep, the instance runs until you remove \
            it.

            SSH connections are allowed only from your own address, or from --ssh-cidr. The instance powers itself off \
            and is terminated at the end of its --lifetime.

            Examples:
              dss setup-ec2 --aws-profile build --region eu-central-1
              dss setup-ec2 --ssh-cidr 192.0.2.0/24 --ssh-config jump.conf
              dss setup-ec2 --asset-id trial --keep --lifetime 4
              dss delete-aws-assets --asset-id trial
            """)

    @OptionGroup var options: InstanceSessionOptions

    func run(in live: Live) async throws {
        try await InstanceSession(options, live).run(installs: false)
    }
}

/// `dss setup-ec2-and-install-dependencies`
struct SetupEC2AndInstallDependencies: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ec2-and-install-dependencies",
        abstract: "Start an EC2 instance and install the sandbox on it, without sealing it",
        discussion: """
            Starts an instance like 'dss setup-ec2', runs the whole playbook on it, and prints the JupyterLab URL. The \
            security group allows only SSH, so the command also prints an SSH tunnel to JupyterLab.

            Ctrl-C removes the instance. With --keep, it runs until you remove it, even if the playbook fails.

            Examples:
              dss setup-ec2-and-install-dependencies --aws-profile build
              dss setup-ec2-and-install-dependencies --asset-id trial --keep --verbose
            """)

    @OptionGroup var options: InstanceSessionOptions

    func run(in live: Live) async throws {
        try await InstanceSession(options, live).run(installs: true)
    }
}

/// The options shared by the commands that start an EC2 instance for interactive use.
struct InstanceSessionOptions: ParsableArguments {
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var asset: AssetOptions
    @OptionGroup var aws: AWSOptions
    @OptionGroup var machine: MachineOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Keep the instance running and exit immediately")
    var keep = false
}

/// An interactive EC2 instance: launched, prepared, shown, kept until Ctrl-C, then removed.
struct InstanceSession: Sendable {
    let options: InstanceSessionOptions
    let live: Live
    let definition: SandboxDefinition
    let assetID: AssetID

    init(_ options: InstanceSessionOptions, _ live: Live) throws {
        self.options = options
        self.live = live
        definition = try live.loaded(options.definition).definition.definition
        assetID = try options.asset.assetID(in: definition)
        _ = try options.machine.reach.networks
    }

    /// - Parameter installs: Whether to run the playbook before showing the instance.
    func run(installs: Bool) async throws {
        let writer = EventWriter(live, options.output)
        let log = StageLog(events: writer.sink, clock: live.clock)
        try await live.withAWS(options.aws) { identity in
            let workspace = try live.workspace(identity, assetID, definition, lifetime: options.machine.reach.lifetime)
            let machines = live.machines(workspace)
            try await cleaningUp(log, writer) { undo in
                let machine = try await launched(workspace, machines, undo, log, writer)
                if installs { try await install(on: machine, log, writer) }
                show(machine, hasJupyter: installs)
                if options.keep { return tell(await undo.forgetKept(), writer) }
                writer.sink(.notice("press Ctrl-C to remove the instance"))
                try await waitForEnd(of: machine, machines, writer)
            }
        }
    }

    private func launched(
        _ workspace: AWSWorkspace, _ machines: Machines, _ undo: Undo, _ log: StageLog, _ writer: EventWriter
    ) async throws -> AWSMachine {
        try await writer.live {
            try await log.run(.setup) {
                let order = try await live.machineOrder(definition, options.machine, in: workspace)
                let machine = try await machines.launch(order, undo: undo, events: writer.sink)
                for hint in machines.hints(machine) { await undo.remember(hint: hint) }
                return (machine, .done)
            }
        }
    }

    private func install(on machine: AWSMachine, _ log: StageLog, _ writer: EventWriter) async throws {
        let order = BuildOrder(
            assetID: assetID, definition: definition, password: .given(Secret("")),
            keepsMachineOnFailure: options.keep, isVerbose: options.output.verbose)
        let everything = PlaybookStep(index: 0, roles: definition.playbook.roles)
        let provisioner = live.provisioner(options.definition, reconnects: true)
        let missing = try await writer.live {
            try await log.run(.install) {
                (try await provisioner.install(everything, of: order, on: machine, events: writer.sink), .done)
            }
        }
        for part in missing { writer.sink(.lacking(part)) }
    }

    private func show(_ machine: AWSMachine, hasJupyter: Bool) {
        let sheet = FactSheet(machine, jupyterPort: hasJupyter ? definition.ports.jupyter : nil)
        let terminal = live.standardOutput
        terminal.write(options.output.json ? sheet.json.line + "\n" : sheet.text(terminal.style))
    }

    /// Waits until Ctrl-C, which is the normal end, or until the instance ends unexpectedly.
    private func waitForEnd(of machine: AWSMachine, _ machines: Machines, _ writer: EventWriter) async throws {
        do {
            let reason = try await machines.waitForEnd(of: machine)
            writer.sink(.warning("instance \(machine.instanceID) ended unexpectedly: \(reason)"))
        } catch is CancellationError {}
    }

    private func tell(_ hints: [String], _ writer: EventWriter) {
        for hint in hints { writer.sink(.notice(hint)) }
    }

    /// Removes what `body` created. The removal runs in its own task, so that Ctrl-C does not stop it.
    private func cleaningUp(
        _ log: StageLog, _ writer: EventWriter, _ body: (Undo) async throws -> Void
    ) async throws {
        let undo = Undo()
        var failure: (any Error)?
        do { try await body(undo) } catch {
            failure = error
            if options.keep, await undo.isRemembered { tell(await undo.forgetKept(), writer) }
        }
        if options.keep, failure == nil { return }
        let leftovers = try await Task {
            try await writer.live { try await log.run(.cleanUp) { (await undo.unwind(), .done) } }
        }.value
        if let failure { throw leftovers.isEmpty ? failure : LeftBehind(cause: failure, leftovers: leftovers) }
        guard leftovers.isEmpty else {
            throw Failure(.failed, "some resources could not be removed", details: leftovers)
        }
    }
}

extension FactSheet {
    /// How to connect to an instance on AWS, and when it expires.
    init(_ machine: AWSMachine, jupyterPort: Int?) {
        let end = machine.expires?.formatted(.iso8601)
        let cost = machine.hourlyCost.map { "about $\(Machines.dollars($0)) per hour" }
        self.init([
            .json("event", .string("machine")), Fact("machine", machine.instanceID),
            Fact("address", machine.address), Fact("ssh", machine.endpoint.commandLine),
            Fact("ends", key: "expires", end ?? "unknown", .text(end)),
            Fact(
                "costs", key: "dollars_per_hour", cost ?? "unknown (not in the price list)",
                machine.hourlyCost.map { .number($0) } ?? .null),
        ])
        guard let port = jupyterPort else { return }
        let (config, alias) = (machine.endpoint.configFile, machine.endpoint.alias)
        facts += [
            Fact("jupyter", key: "jupyter_url", "http://\(machine.address):\(port)/lab"),
            Fact("tunnel", "ssh -F '\(config)' -N -L \(port):localhost:\(port) '\(alias)'"),
            .shown("via tunnel", "http://localhost:\(port)/lab (only SSH is open)"),
        ]
    }
}

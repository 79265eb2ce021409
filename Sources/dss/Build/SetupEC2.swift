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
        try await options.run(installs: false, live)
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
        try await options.run(installs: true, live)
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

extension InstanceSessionOptions {
    /// - Parameter installs: Whether to run the playbook before showing the instance.
    func run(installs: Bool, _ live: Live) async throws {
        let definition = try live.loaded(self.definition).definition.definition
        let order = BuildOrder(
            assetID: try asset.assetID(in: definition), definition: definition, password: nil,
            keepsMachineOnFailure: keep, isVerbose: output.verbose)
        _ = try machine.reach.networks
        let provisioner = installs ? live.provisioner(self.definition, reconnects: true) : nil
        let writer = EventWriter(live, output)
        try await live.withAWS(aws) { identity in
            let workspace = try await live.workspace(
                identity, order.assetID, definition, lifetime: machine.reach.lifetime)
            let session = try InstanceSession(order, on: live.machines()(workspace)) {
                try await live.machineOrder(definition, machine, in: workspace)
            }
            try await writer.live {
                try await session.run(installingWith: provisioner, events: writer.sink) {
                    show(FactSheet($0, jupyterPort: installs ? definition.ports.jupyter : nil), live)
                }
            }
        }
    }

    private func show(_ sheet: FactSheet, _ live: Live) {
        let terminal = live.standardOutput
        terminal.write(output.json ? sheet.json.line + "\n" : sheet.text(terminal.style))
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
            Fact("jupyter", "starts at the next boot: sudo reboot"),
            .json("jupyter_url", .string("http://\(machine.address):\(port)/lab")),
            Fact("tunnel", "ssh -F '\(config)' -N -L \(port):localhost:\(port) '\(alias)'"),
            .shown("via tunnel", "http://localhost:\(port)/lab, after the boot (only SSH is open)"),
        ]
    }
}

import ArgumentParser

/// `dss setup-ec2-and-install-dependencies`
struct SetupEC2AndInstallDependencies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ec2-and-install-dependencies",
        abstract: "Starts a machine on AWS and makes it a sandbox, without sealing it.",
        discussion: """
            Does what 'dss setup-ec2' does, runs the whole playbook on the machine, and prints where JupyterLab answers. \
            Only SSH is let in, so that you reach it by the tunnel that is printed too.

            The machine stays until Ctrl-C, or with --keep until you remove it; with --keep also where the playbook \
            fails.

            Examples:
              dss setup-ec2-and-install-dependencies --aws-profile build
              dss setup-ec2-and-install-dependencies --asset-id trial --keep --verbose
            """)

    @OptionGroup var options: MachineSessionOptions

    func run() async throws {
        try await MachineSession(options).run(installs: true)
    }
}

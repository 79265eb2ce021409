import ArgumentParser

/// `dss setup-ec2`
struct SetupEC2: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup-ec2",
        abstract: "Starts the machine on AWS that a sandbox is built on, and nothing more.",
        discussion: """
            Starts an EC2 instance from the image of the definition, in a stack of its own, and prints how it is reached \
            by SSH. It stays until Ctrl-C, which removes it with all that belongs to it, or with --keep until you \
            remove it.

            SSH is let in from your own address alone, or from --ssh-cidr. The machine powers itself off when its \
            --lifetime is over, and is gone then.

            Examples:
              dss setup-ec2 --aws-profile build --region eu-central-1
              dss setup-ec2 --ssh-cidr 192.0.2.0/24 --ssh-config jump.conf
              dss setup-ec2 --asset-id trial --keep --lifetime 4
              dss delete-aws-assets --asset-id trial
            """)

    @OptionGroup var options: MachineSessionOptions

    func run() async throws {
        try await MachineSession(options).run(installs: false)
    }
}

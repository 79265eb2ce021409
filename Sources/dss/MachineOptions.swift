import AWSProvider
import ArgumentParser
import Sandbox

/// The machine of a build on AWS, as far as the definition does not say it.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("ec2-source-ami"),
        help: ArgumentHelp(
            "The AMI to start from, or ssm:NAME of a parameter that has it; the definition's by default.",
            valueName: "ami"))
    var sourceAMI: String?

    @Option(
        name: .customLong("ec2-key-name"),
        help: ArgumentHelp("A key pair that AWS has, instead of one made for the build.", valueName: "name"))
    var keyName: String?

    @Option(
        name: .customLong("ec2-key-file"),
        help: ArgumentHelp("The private key of it.", valueName: "file"), completion: .file())
    var keyFile: String?

    @Option(
        name: .customLong("ssh-cidr"),
        help: ArgumentHelp(
            "A network that SSH is let in from, instead of your own address alone; may be repeated.",
            valueName: "network"))
    var sshNetworks: [String] = []

    @Option(
        name: .customLong("ssh-config"),
        help: ArgumentHelp(
            "A configuration of ssh for jump hosts and odd ports, by the machine's address.", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @Option(
        help: ArgumentHelp("After how many hours the machine powers itself off, whatever happens.", valueName: "hours"))
    var lifetime = 24

    func validate() throws {
        guard (keyName == nil) == (keyFile == nil) else {
            throw ValidationError("--ec2-key-name and --ec2-key-file belong together.")
        }
        guard (1...720).contains(lifetime) else { throw ValidationError("--lifetime: a number from 1 to 720 hours.") }
    }

    /// - Throws: `Failure` with all mistakes.
    var networks: [IPNetwork] {
        get throws {
            var mistakes: [String] = []
            var networks: [IPNetwork] = []
            for text in sshNetworks {
                do { networks.append(try IPNetwork(text)) } catch { mistakes.append("--ssh-cidr \(error.message)") }
            }
            guard let first = mistakes.first else { return networks }
            throw Failure(
                .usage, mistakes.count == 1 ? first : "\(mistakes.count) networks are wrong",
                details: mistakes.count == 1 ? [] : mistakes)
        }
    }
}

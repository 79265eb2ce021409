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

    @OptionGroup var reach: ReachOptions

    func validate() throws {
        guard (keyName == nil) == (keyFile == nil) else {
            throw ValidationError("--ec2-key-name and --ec2-key-file belong together.")
        }
    }
}

import AWSProvider
import ArgumentParser
import Sandbox

/// How a machine on AWS is reached, and how long it lives.
struct ReachOptions: ParsableArguments {
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

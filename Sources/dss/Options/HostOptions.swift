import ArgumentParser
import FoundationEssentials
import Provisioning
import Workbench

/// A machine that is there already, and how it is reached by SSH.
struct HostOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Its name or address; with --ssh-config also an alias.", valueName: "host"))
    var host: String

    @Option(help: ArgumentHelp("Who logs in, and may become root by sudo without a password.", valueName: "name"))
    var user: String

    @Option(help: ArgumentHelp("The private key.", valueName: "file"), completion: .file())
    var key: String

    @Option(help: ArgumentHelp("The port of its sshd, where that is not 22.", valueName: "number"))
    var port: Int?

    @Option(
        name: .customLong("ssh-config"),
        help: ArgumentHelp("A configuration of ssh, for jump hosts and the like.", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @Option(
        name: .customLong("known-hosts"),
        help: ArgumentHelp("Where its host key stands, instead of in the usual files.", valueName: "file"),
        completion: .file())
    var knownHosts: String?

    @Option(
        name: .customLong("host-key"),
        help: ArgumentHelp("Its host key itself: 'ssh-ed25519 AAAA…'.", valueName: "key"))
    var hostKey: String?

    func validate() throws {
        for (flag, word) in [("--host", host), ("--user", user)] {
            guard !word.isEmpty, !word.hasPrefix("-"), !word.contains(where: { $0.isWhitespace || $0 == "\"" }) else {
                throw ValidationError("'\(word)' is no value for \(flag).")
            }
        }
        if let port, !(1...65535).contains(port) { throw ValidationError("'\(port)' is no port.") }
        guard let hostKey else { return }
        if knownHosts != nil { throw ValidationError("--host-key and --known-hosts exclude each other.") }
        let words = hostKey.split(separator: " ")
        guard words.count >= 2, words[0].contains("-"), Data(base64Encoded: String(words[1])) != nil else {
            throw ValidationError("'\(hostKey)' is no host key, such as 'ssh-ed25519 AAAA…'.")
        }
    }

    func access(_ live: Live) -> HostAccess {
        let trust: HostAccess.Trust =
            if let hostKey {
                .pinned(hostKey.split(separator: " ").prefix(2).joined(separator: " "))
            } else if let knownHosts {
                .listed(live.absolute(knownHosts))
            } else {
                .known
            }
        return HostAccess(
            host: host, user: user, key: live.absolute(key), port: port, sshConfig: sshConfig.map(live.absolute),
            trust: trust)
    }
}

import ArgumentParser
import FoundationEssentials
import Provisioning
import Workbench

/// An existing machine, and how to connect to it by SSH.
struct HostOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Host name or address; with --ssh-config, also an alias", valueName: "host"))
    var host: String

    @Option(help: ArgumentHelp("SSH user with passwordless sudo", valueName: "name"))
    var user: String

    @Option(help: ArgumentHelp("SSH private key", valueName: "file"), completion: .file())
    var key: String

    @Option(help: ArgumentHelp("SSH port (default: 22)", valueName: "number"))
    var port: Int?

    @Option(
        name: .customLong("ssh-config"),
        help: ArgumentHelp("SSH configuration file, for example for jump hosts", valueName: "file"),
        completion: .file())
    var sshConfig: String?

    @Option(
        name: .customLong("known-hosts"),
        help: ArgumentHelp("Known-hosts file to use instead of the default files", valueName: "file"),
        completion: .file())
    var knownHosts: String?

    @Option(
        name: .customLong("host-key"),
        help: ArgumentHelp("Expected host key: 'ssh-ed25519 AAAA…'", valueName: "key"))
    var hostKey: String?

    func validate() throws {
        for (flag, word) in [("--host", host), ("--user", user)] {
            guard !word.isEmpty, !word.hasPrefix("-"), !word.contains(where: { $0.isWhitespace || $0 == "\"" }) else {
                throw ValidationError("'\(word)' is not a valid value for \(flag)")
            }
        }
        if let port, !(1...65535).contains(port) {
            throw ValidationError("'\(port)' is not a valid port; use 1 to 65535")
        }
        guard let hostKey else { return }
        if knownHosts != nil { throw ValidationError("--host-key and --known-hosts cannot be used together") }
        let words = hostKey.split(separator: " ")
        guard words.count >= 2, words[0].contains("-"), Data(base64Encoded: String(words[1])) != nil else {
            throw ValidationError("'\(hostKey)' is not a host key such as 'ssh-ed25519 AAAA…'")
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

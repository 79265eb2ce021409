/// What `ssh_config` says of one machine, so that everything else only names the file and the alias.
package struct SSHConfig: Sendable, Equatable {
    package var alias: String
    package var host: String
    package var port: Int
    package var user: String
    package var identityFile: String
    package var knownHostsFile: String
    package var proxyCommand: String?
    /// Where the shared connection's socket lies; the path must be shorter than 100 bytes.
    package var controlPath: String?

    package init(
        alias: String, host: String, port: Int, user: String, identityFile: String, knownHostsFile: String,
        proxyCommand: String? = nil, controlPath: String? = nil
    ) {
        self.alias = alias
        self.host = host
        self.port = port
        self.user = user
        self.identityFile = identityFile
        self.knownHostsFile = knownHostsFile
        self.proxyCommand = proxyCommand
        self.controlPath = controlPath
    }

    /// The file's text. The user's own configuration, agent and keys are out of play, and an unknown host key is refused.
    package var text: String {
        var lines = [
            "Host \(alias)",
            "  HostName \(host)",
            "  Port \(port)",
            "  User \(user)",
            "  IdentityFile \"\(identityFile)\"",
            "  IdentitiesOnly yes",
            "  IdentityAgent none",
            "  UserKnownHostsFile \"\(knownHostsFile)\"",
            "  GlobalKnownHostsFile none",
            "  HostKeyAlias \(alias)",
            "  StrictHostKeyChecking yes",
            "  BatchMode yes",
            "  ConnectTimeout 10",
            "  ServerAliveInterval 15",
            "  ServerAliveCountMax 4",
            "  LogLevel ERROR",
        ]
        if let proxyCommand { lines.append("  ProxyCommand \(proxyCommand)") }
        if let controlPath {
            lines += ["  ControlMaster auto", "  ControlPath \"\(controlPath)\"", "  ControlPersist 60"]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Command {
    /// Runs a shell script on a machine; the script goes through standard input, so nothing of it is in a process list.
    package static func ssh(config: String, alias: String, script: String, asRoot: Bool = false) -> Command {
        Command("ssh", ["-F", config, alias, asRoot ? "sudo -n sh -s" : "sh -s"], input: .text(script))
    }

    /// Makes an Ed25519 key pair without passphrase at `path` and `path.pub`.
    package static func sshKeygen(path: String, comment: String) -> Command {
        Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    }
}

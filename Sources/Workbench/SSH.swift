/// What `ssh_config` says of one machine, so that everything else only names the file and the alias.
package struct SSHConfig: Sendable, Equatable {
    package var alias: String
    /// `nil` leaves it to the included file, which knows the machine by the alias.
    package var host: String?
    /// `nil` leaves it to the included file.
    package var port: Int?
    package var user: String
    package var identityFile: String
    package var hostKeys: HostKeys
    /// The user's agent may know the key's passphrase.
    package var usesAgent = false
    package var proxyCommand: String?
    /// Where the shared connection's socket lies; the path must be shorter than 100 bytes.
    package var controlPath: String?
    /// Under what a pinned host key stands in its file; the alias where it is `nil`.
    package var hostKeyAlias: String?
    /// A configuration of the user's, for jump hosts and what else it takes to get there; absolute.
    package var includedFile: String?

    /// Which host keys are believed.
    package enum HostKeys: Sendable, Equatable {
        /// Those that a file of ours has under the alias of the key.
        case pinned(String)
        /// Those that a file has under the host's own name.
        case listed(String)
        /// Those that `ssh` itself believes.
        case usual
    }

    package init(
        alias: String, host: String?, port: Int?, user: String, identityFile: String, knownHostsFile: String,
        proxyCommand: String? = nil, controlPath: String? = nil, hostKeyAlias: String? = nil,
        includedFile: String? = nil
    ) {
        self.alias = alias
        self.host = host
        self.port = port
        self.user = user
        self.identityFile = identityFile
        hostKeys = .pinned(knownHostsFile)
        self.proxyCommand = proxyCommand
        self.controlPath = controlPath
        self.hostKeyAlias = hostKeyAlias
        self.includedFile = includedFile
    }

    /// The file's text. What is not said here comes from the included file and nowhere else; an unknown host key is
    /// refused.
    package var text: String {
        var lines = ["Host \(alias)"]
        if let host { lines.append("  HostName \(host)") }
        if let port { lines.append("  Port \(port)") }
        lines += ["  User \(user)", "  IdentityFile \"\(identityFile)\"", "  IdentitiesOnly yes"]
        if !usesAgent { lines.append("  IdentityAgent none") }
        lines += hostKeyLines
        lines += [
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
        if includedFile != nil, case .pinned = hostKeys { lines += Self.firmness }
        if let includedFile { lines += ["Match all", "  Include \"\(includedFile)\""] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The first value of a setting counts, so these stand before the included file: none but the pinned key is
    /// believed, whatever that file says, and a script's input and output stay what they are.
    private static let firmness = [
        "  HostKeyAlgorithms ssh-ed25519",
        "  KnownHostsCommand none",
        "  NoHostAuthenticationForLocalhost no",
        "  UpdateHostKeys no",
        "  VerifyHostKeyDNS no",
        "  ForwardAgent no",
        "  RemoteCommand none",
        "  RequestTTY auto",
    ]

    private var hostKeyLines: [String] {
        switch hostKeys {
        case .pinned(let file):
            [
                "  UserKnownHostsFile \"\(file)\"", "  GlobalKnownHostsFile none",
                "  HostKeyAlias \(hostKeyAlias ?? alias)",
            ]
        case .listed(let file): ["  UserKnownHostsFile \"\(file)\"", "  GlobalKnownHostsFile none"]
        case .usual: []
        }
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

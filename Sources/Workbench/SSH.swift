/// The `ssh_config` entry of one host; commands then need only the file and the alias.
package struct SSHConfig: Sendable, Equatable {
    package var alias: String
    /// Host name or address; `nil` leaves it to the included file, which defines the alias.
    package var host: String?
    /// Port; `nil` leaves it to the included file.
    package var port: Int?
    package var user: String
    package var identityFile: String
    package var hostKeys: HostKeys
    /// Whether to use the user's agent, which may hold a key protected by a passphrase.
    package var usesAgent = false
    package var proxyCommand: String?
    /// Socket of the shared connection; the path must be shorter than 100 bytes.
    package var controlPath: String?
    /// Name of a pinned host key in its file; `nil` is the alias.
    package var hostKeyAlias: String?
    /// Absolute path of the user's own configuration, for jump hosts and other connection settings.
    package var includedFile: String?

    /// The trusted host keys.
    package enum HostKeys: Sendable, Equatable {
        /// The keys in a file written by dss, under the host key alias.
        case pinned(String)
        /// The keys in a file under the host's own name.
        case listed(String)
        /// The keys that `ssh` trusts by default.
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

    /// The text of the file. All other settings come from the included file only; an unknown host key is rejected.
    package var text: String {
        var lines = ["Host \(alias)"]
        if let host { lines.append("  HostName \(host)") }
        if let port { lines.append("  Port \(port)") }
        lines += ["  User \(user)", "  IdentityFile \(Self.quoted(identityFile))", "  IdentitiesOnly yes"]
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
            lines += ["  ControlMaster auto", "  ControlPath \(Self.quoted(controlPath))", "  ControlPersist 60"]
        }
        if includedFile != nil, case .pinned = hostKeys { lines += Self.protectedSettings }
        if let includedFile { lines += ["Match all", "  Include \"\(includedFile)\""] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Settings placed before the included file, because the first value of a setting wins. Whatever that file says,
    /// only the pinned key is trusted, and the input and output of a script are not altered.
    private static let protectedSettings = [
        "  HostKeyAlgorithms ssh-ed25519",
        "  KnownHostsCommand none",
        "  NoHostAuthenticationForLocalhost no",
        "  UpdateHostKeys no",
        "  VerifyHostKeyDNS no",
        "  ForwardAgent no",
        "  RemoteCommand none",
        "  RequestTTY auto",
    ]

    /// A path for the settings in which ssh replaces tokens such as `%h`: ssh_config(5), "TOKENS".
    private static func quoted(_ path: String) -> String {
        "\"" + path.map { $0 == "%" ? "%%" : String($0) }.joined() + "\""
    }

    private var hostKeyLines: [String] {
        switch hostKeys {
        case .pinned(let file):
            [
                "  UserKnownHostsFile \(Self.quoted(file))", "  GlobalKnownHostsFile none",
                "  HostKeyAlias \(hostKeyAlias ?? alias)",
            ]
        case .listed(let file): ["  UserKnownHostsFile \(Self.quoted(file))", "  GlobalKnownHostsFile none"]
        case .usual: []
        }
    }
}

extension Command {
    /// Runs a shell script on a host; the script is passed on standard input, so it does not appear in a process list.
    package static func ssh(config: String, alias: String, script: String, asRoot: Bool = false) -> Command {
        Command("ssh", ["-F", config, alias, asRoot ? "sudo -n sh -s" : "sh -s"], input: .text(script))
    }

    /// Creates an Ed25519 key pair without a passphrase at `path` and `path.pub`.
    package static func sshKeygen(path: String, comment: String) -> Command {
        Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    }
}

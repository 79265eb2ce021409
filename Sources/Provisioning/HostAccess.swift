import Sandbox
import Workbench

/// How a machine that is there already is reached.
package struct HostAccess: Sendable, Equatable {
    package enum Trust: Sendable, Equatable {
        /// In the hosts that `ssh` knows.
        case known
        /// In the hosts that a file lists, in the form of `known_hosts`.
        case listed(String)
        /// In this key alone: type and base64.
        case pinned(String)
    }

    /// A name or an address; with a configuration of the user's, also an alias in it.
    package var host: String
    package var user: String
    /// The private key's file.
    package var key: String
    package var port: Int?
    /// For jump hosts and all else that it takes to get there; absolute.
    package var sshConfig: String?
    package var trust: Trust

    package init(
        host: String, user: String, key: String, port: Int? = nil, sshConfig: String? = nil, trust: Trust = .known
    ) {
        self.host = host
        self.user = user
        self.key = key
        self.port = port
        self.sshConfig = sshConfig
        self.trust = trust
    }

    /// Writes what `ssh` needs into a directory that only the caller can read.
    func endpoint(in directory: String) throws -> SSHEndpoint {
        // Ansible's inventory takes no address with colons; a configuration of the user's goes by what they call it.
        let alias = sshConfig == nil ? "sandbox" : host
        var config = SSHConfig(
            alias: alias, host: sshConfig == nil ? host : nil, port: port, user: user, identityFile: key,
            knownHostsFile: "\(directory)/known_hosts", controlPath: "\(directory)/mux",
            includedFile: sshConfig)
        config.usesAgent = true
        switch trust {
        case .known: config.hostKeys = .usual
        case .listed(let file): config.hostKeys = .listed(file)
        case .pinned(let key): try writeAtomically("\(alias) \(key)\n", to: "\(directory)/known_hosts")
        }
        let endpoint = SSHEndpoint(configFile: "\(directory)/ssh_config", alias: alias)
        try writeAtomically(config.text, to: endpoint.configFile, mode: 0o600)
        return endpoint
    }

    /// What `ssh` says of the host behind its configuration.
    struct Target: Sendable, Equatable {
        var settings: [String: String]

        /// - Parameter text: the output of `ssh -G`.
        init(_ text: String) {
            settings = text.split(separator: "\n").reduce(into: [:]) { settings, line in
                guard let blank = line.firstIndex(of: " ") else { return }
                settings[String(line[..<blank])] = String(line[line.index(after: blank)...])
            }
        }

        /// Under what `known_hosts` has it.
        var entry: String {
            if let alias = settings["hostkeyalias"] { return alias }
            return isOnUsualPort ? hostName : "[\(hostName)]:\(port)"
        }

        var knownHostsFiles: [String] {
            ["userknownhostsfile", "globalknownhostsfile"].flatMap { name in
                (settings[name] ?? "").split(separator: " ").map(String.init)
            }.filter { $0 != "none" }
        }

        /// Another machine stands before it, so that it cannot be asked for its keys from here.
        var isBehindAnother: Bool {
            ["proxyjump", "proxycommand"].contains { ![nil, "none"].contains(settings[$0]) }
        }

        var scan: String {
            let options = isOnUsualPort ? [] : ["-p", port]
            return (["ssh-keyscan"] + options + [hostName]).map(shellQuoted).joined(separator: " ")
                + " >> " + (knownHostsFiles.first.map(shellQuoted) ?? "~/.ssh/known_hosts")
        }

        private var hostName: String { settings["hostname"] ?? "" }
        private var port: String { settings["port"] ?? "22" }
        private var isOnUsualPort: Bool { port == "22" }
    }
}

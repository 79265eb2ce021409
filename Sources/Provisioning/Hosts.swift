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

/// The operating system of a machine that is there.
package struct HostSystem: Sendable, Equatable {
    /// `debian`.
    package var distribution: String
    /// The code name of the release: `bookworm`.
    package var suite: String
    /// As dpkg calls it; `nil` where there is no dpkg.
    package var architecture: String?

    static let question = "cat /etc/os-release; echo \"ARCHITECTURE=$(dpkg --print-architecture)\"\n"

    /// - Parameter answer: lines of `NAME=value`, as in `/etc/os-release`.
    init(_ answer: String) {
        var values: [String: String] = [:]
        for line in answer.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = parts[1].filter { $0 != "\"" } }
        }
        distribution = values["ID"] ?? "unknown"
        suite = values["VERSION_CODENAME"] ?? values["VERSION_ID"] ?? "unknown"
        architecture = values["ARCHITECTURE"]
    }

    /// - Throws: `Failure` where versions that are pinned for that base do not fit.
    package func expect(_ base: SandboxDefinition.BaseSystem, on host: String) throws {
        let wanted = [base.distribution.rawValue, base.suite, base.architecture.rawValue]
        let found = [distribution, suite, architecture ?? base.architecture.rawValue]
        guard found != wanted else { return }
        throw Failure(
            .badData,
            "\(host) runs \(found.joined(separator: " ")), the definition is for \(wanted.joined(separator: " "))",
            advice: "take a machine with that system, or change base and the pins of the definition")
    }
}

/// A machine that was there before: nobody here starts it, nobody here ends it.
package struct RemoteHost: BuildMachine {
    package let endpoint: SSHEndpoint
    /// What the user calls it.
    package let name: String
    package let system: HostSystem
    package let stepsDone = 0
    package let buildEnvironment: [String: String] = [:]
    package let missing: [MissingComponent] = []
    private let runner: any CommandRunner

    /// Gives `body` the machine when it has let us in, as somebody who may become root.
    /// - Throws: `Failure` where it cannot be reached, shows a key that nobody has vouched for, or gives no root.
    package static func with<Result>(
        _ access: HostAccess, runner: any CommandRunner, _ body: (RemoteHost) async throws -> Result
    ) async throws -> Result {
        guard fileExists(access.key) else { throw Failure(.badData, "there is no key \(access.key)") }
        return try await withTemporaryDirectory { directory in
            let endpoint = try access.endpoint(in: directory)
            return try await finally {
                let system = try await RemoteHost.enter(endpoint, access, runner)
                return try await body(
                    RemoteHost(endpoint: endpoint, name: access.host, system: system, runner: runner))
            } cleanup: {
                _ = try? await runner.execute(
                    Command("ssh", ["-F", endpoint.configFile, "-O", "exit", endpoint.alias]))
            }
        }
    }

    /// Runs a script as root.
    func execute(_ script: String) async throws -> CommandOutput {
        let output = try await runner.execute(
            .ssh(config: endpoint.configFile, alias: endpoint.alias, script: script, asRoot: true))
        try Task.checkCancellation()
        return output
    }

    private static func enter(
        _ endpoint: SSHEndpoint, _ access: HostAccess, _ runner: any CommandRunner
    ) async throws -> HostSystem {
        let output = try await runner.execute(
            .ssh(config: endpoint.configFile, alias: endpoint.alias, script: HostSystem.question, asRoot: true))
        try Task.checkCancellation()
        let lines = (output.standardOutput + output.standardError).split(separator: "\n").suffix(10).map(String.init)
        switch output.status {
        case .exited(0): return HostSystem(output.standardOutput)
        case .exited(255): throw try await unreachable(endpoint, access, lines, runner)
        default:
            throw Failure(
                .noPermission, "'\(access.user)' may not become root on \(access.host) without a password",
                details: lines, advice: "name a user who may, by --user")
        }
    }

    /// `ssh` tells why it got nowhere in words only; whether the host is known at all can be asked.
    private static func unreachable(
        _ endpoint: SSHEndpoint, _ access: HostAccess, _ lines: [String], _ runner: any CommandRunner
    ) async throws -> Failure {
        let settings = try await runner.run(Command("ssh", ["-G", "-F", endpoint.configFile, endpoint.alias]))
        let target = HostAccess.Target(settings)
        for file in target.knownHostsFiles where fileExists(file) {
            let search = try await runner.execute(Command("ssh-keygen", ["-F", target.entry, "-f", file]))
            guard search.status.isSuccess else { continue }
            return Failure(
                .unavailable, "\(access.host) does not let '\(access.user)' in by SSH", details: lines,
                advice: "try it with: \(access.manualLine)")
        }
        return Failure(
            .unavailable, "\(access.host) is not known: nobody has vouched for its host key", details: lines,
            advice: target.isBehindAnother
                ? "log in once and compare the key that it shows: \(access.manualLine)"
                : "add its keys, and compare them with what its console shows: \(target.scan)")
    }
}

extension HostAccess {
    /// The same by hand.
    fileprivate var manualLine: String {
        let options = (sshConfig.map { ["-F", $0] } ?? []) + (port.map { ["-p", "\($0)"] } ?? [])
        return (["ssh"] + options + ["-i", key, "\(user)@\(host)"]).map(shellQuoted).joined(separator: " ")
    }
}

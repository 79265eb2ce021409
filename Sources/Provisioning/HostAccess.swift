import Sandbox
import Workbench

/// SSH access to an existing host.
package struct HostAccess: Sendable, Equatable {
    package enum Trust: Sendable, Equatable {
        /// Trust the host keys that `ssh` knows.
        case known
        /// Trust the host keys in a file in `known_hosts` format.
        case listed(String)
        /// Trust only this host key: type and base64.
        case pinned(String)
    }

    /// A name or an address; with `sshConfig`, also an alias in it.
    package var host: String
    package var user: String
    /// Path of the private key.
    package var key: String
    package var port: Int?
    /// Absolute path of the user's SSH configuration, for jump hosts and other settings needed to reach the host.
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

    /// The user's files, which ssh reads.
    fileprivate var files: [String] {
        let listed: [String] = if case .listed(let file) = trust { [file] } else { [] }
        return [key] + (sshConfig.map { [$0] } ?? []) + listed
    }

    /// Writes the SSH configuration to a directory that only the caller can read.
    func endpoint(in directory: String) throws -> SSHEndpoint {
        // Ansible's inventory rejects addresses with colons; the user's own configuration matches the name they use.
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

    /// The host that the SSH configuration resolves to.
    struct Target: Sendable, Equatable {
        var settings: [String: String]

        /// - Parameter text: The output of `ssh -G`.
        init(_ text: String) {
            settings = text.split(separator: "\n").reduce(into: [:]) { settings, line in
                guard let blank = line.firstIndex(of: " ") else { return }
                settings[String(line[..<blank])] = String(line[line.index(after: blank)...])
            }
        }

        /// The name of the host in `known_hosts`.
        var entry: String {
            if let alias = settings["hostkeyalias"] { return alias }
            return isOnUsualPort ? hostName : "[\(hostName)]:\(port)"
        }

        var knownHostsFiles: [String] {
            ["userknownhostsfile", "globalknownhostsfile"].flatMap { name in
                (settings[name] ?? "").split(separator: " ").map(String.init)
            }.filter { $0 != "none" }
        }

        /// Whether the host is behind a jump host or proxy, so that `ssh-keyscan` cannot reach it from here.
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

/// The operating system of an existing host.
package struct HostSystem: Sendable, Equatable {
    /// The distribution, such as `debian`.
    package var distribution: String
    /// The code name of the release: `bookworm`.
    package var suite: String
    /// The architecture in dpkg's naming; `nil` if the host has no dpkg.
    package var architecture: String?

    static let question = "cat /etc/os-release; echo \"ARCHITECTURE=$(dpkg --print-architecture)\"\n"

    /// - Parameter answer: Lines of `NAME=value`, as in `/etc/os-release`.
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

    /// - Throws: `Failure` if the host does not run `base`, so that the versions pinned for it do not apply.
    package func expect(_ base: SandboxDefinition.BaseSystem, on host: String) throws {
        let wanted = [base.distribution.rawValue, base.suite, base.architecture.rawValue]
        let found = [distribution, suite, architecture ?? base.architecture.rawValue]
        guard found != wanted else { return }
        throw Failure(
            .badData,
            "\(host) runs \(found.joined(separator: " ")), but the definition is for \(wanted.joined(separator: " "))",
            advice: "use a host with that system, or change base and pins in the definition")
    }
}

/// An existing host, which this program neither starts nor stops.
package struct RemoteHost: BuildMachine {
    package let endpoint: SSHEndpoint
    /// The name that the user entered.
    package let name: String
    package let system: HostSystem
    package let stepsDone = 0
    package let buildEnvironment: [String: String] = [:]
    package let missing: [MissingComponent] = []
    private let runner: any CommandRunner

    /// Connects to the host, checks for passwordless root access, and calls `body` with the host.
    /// - Throws: `Failure` if the host cannot be reached, its host key is not trusted, or the user cannot become root.
    package static func with<Result>(
        _ access: HostAccess, runner: any CommandRunner, _ body: (RemoteHost) async throws -> Result
    ) async throws -> Result {
        guard fileExists(access.key) else { throw Failure(.badData, "private key \(access.key) not found") }
        for file in access.files {
            guard let kind = FileKind(of: file), kind == .directory || kind == .pipe else { continue }
            throw Failure(.badData, "\(file) is a \(kind.rawValue), but a file is required")
        }
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
                .noPermission, "'\(access.user)' cannot become root on \(access.host) without a password",
                details: lines, advice: "use --user to log in as a user with passwordless sudo")
        }
    }

    /// `ssh` explains a failed connection only in prose, but `ssh-keygen` shows whether the host key is known.
    private static func unreachable(
        _ endpoint: SSHEndpoint, _ access: HostAccess, _ lines: [String], _ runner: any CommandRunner
    ) async throws -> Failure {
        let settings = try await runner.run(Command("ssh", ["-G", "-F", endpoint.configFile, endpoint.alias]))
        let target = HostAccess.Target(settings)
        for file in target.knownHostsFiles where fileExists(file) {
            let search = try await runner.execute(Command("ssh-keygen", ["-F", target.entry, "-f", file]))
            guard search.status.isSuccess else { continue }
            return Failure(
                .unavailable, "cannot log in to \(access.host) as '\(access.user)' over SSH", details: lines,
                advice: "to debug, run: \(access.manualLine)")
        }
        return Failure(
            .unavailable, "the host key of \(access.host) is not trusted", details: lines,
            advice: target.isBehindAnother
                ? "log in once and verify the host key that ssh shows: \(access.manualLine)"
                : "add its host keys, and compare them with those on its console: \(target.scan)")
    }
}

extension HostAccess {
    /// The `ssh` command that connects to the host, for the user to run.
    fileprivate var manualLine: String {
        let options = (sshConfig.map { ["-F", $0] } ?? []) + (port.map { ["-p", "\($0)"] } ?? [])
        return (["ssh"] + options + ["-i", key, "\(user)@\(host)"]).map(shellQuoted).joined(separator: " ")
    }
}

/// Installs the whole sandbox on an existing host, which keeps running and is not sealed.
/// - Returns: The components that could not be installed.
package func installDependencies(
    _ order: BuildOrder, on access: HostAccess, with provisioner: some Provisioner, runner: any CommandRunner,
    events: @escaping EventSink
) async throws -> [MissingComponent] {
    try await RemoteHost.with(access, runner: runner) { machine in
        try machine.system.expect(order.definition.base, on: access.host)
        let everything = PlaybookStep(index: 0, roles: order.definition.playbook.roles)
        do {
            let missing = try await Scope.run(events: events) {
                try await provisioner.install(everything, on: machine, in: BuildContext(order, $0)).missing
            }
            for part in missing { events(.lacking(part)) }
            return missing
        } catch var failure as Failure where failure.code == .failed || failure.code == .temporary {
            failure.advice = "fix the problem and run the command again; completed tasks are not repeated"
            throw failure
        }
    }
}

import Sandbox
import Workbench

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

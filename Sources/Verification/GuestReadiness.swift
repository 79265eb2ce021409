import Sandbox
import Workbench

/// Waits until the services of a guest on this host answer, for a person who is about to use them. Nobody logs in.
package struct GuestReadiness<Runner: CommandRunner>: Sendable {
    private let runner: Runner
    private let address: GuestAddress
    /// Limit for each service.
    private let limit: Duration
    private let onProgress: @Sendable (Progress) -> Void

    package init(
        of address: GuestAddress, within limit: Duration, runner: Runner,
        onProgress: @escaping @Sendable (Progress) -> Void
    ) {
        self.runner = runner
        self.address = address
        self.limit = limit
        self.onProgress = onProgress
    }

    /// Waits until sshd presents a host key. A connection alone proves nothing, because a forwarded port accepts every
    /// connection.
    package func waitForSSH() async throws {
        let scan = GuestLogin(to: address, as: "", in: "").scan
        try await wait(for: "SSH") { !HostKeys(scan: try await runner.execute(scan).standardOutput).isEmpty }
    }

    /// Waits until JupyterLab answers, or until the console says that it is reached through an SSH tunnel only. Whether
    /// it answers there can only be seen by someone who logs in.
    /// - Parameter port: JupyterLab's port in the guest.
    /// - Returns: Whether JupyterLab is reached through an SSH tunnel only.
    @discardableResult
    package func waitForJupyter(on port: Int) async throws -> Bool {
        try await withTemporaryDirectory { directory in
            let client = JupyterClient(runner: runner, address: address, directory: directory)
            var needsTunnel = false
            try await wait(for: "JupyterLab") {
                if try await client.get("/lab").status != 0 { return true }
                needsTunnel = SSHTunnel.isRequired(by: (try? readText(address.consoleLog)) ?? "", to: port)
                return needsTunnel
            }
            return needsTunnel
        }
    }

    private func wait(for service: String, _ answers: () async throws -> Bool) async throws {
        let start = ContinuousClock.now
        while true {
            let waited = ContinuousClock.now - start
            onProgress(Progress("waiting for \(service), \(waited.components.seconds) s"))
            if try await answers() { return }
            try Task.checkCancellation()
            guard waited < limit else {
                let console = tail(of: address.consoleLog, lines: 15).split(separator: "\n").map(String.init)
                throw Failure(
                    .failed, "\(service) did not answer within \(limit.components.seconds) s",
                    details: console.isEmpty ? [] : ["console:"] + console.map { "  \($0)" })
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}

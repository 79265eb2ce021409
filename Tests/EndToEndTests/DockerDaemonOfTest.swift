import Foundation
import Workbench

/// A Docker daemon of the test's own, with all its files in one folder and a bridge that goes with it.
struct DockerDaemonOfTest: Sendable {
    var folder: String

    /// Not `docker0`, which another daemon of this machine may use, and which a daemon leaves behind.
    static let bridge = "dss-e2e-docker"

    var environment: [String: String?] { ["DOCKER_HOST": "unix://\(folder)/docker.sock"] }

    static func with<Result: Sendable>(
        in parent: String, _ body: (DockerDaemonOfTest) async throws -> Result
    ) async throws -> Result {
        let daemon = DockerDaemonOfTest(folder: "\(parent)/docker")
        try makeDirectory(daemon.folder)
        return try await finally {
            try await makeBridge()
            let process = try await runner.start(daemon.command, log: "\(daemon.folder)/log")
            return try await finally {
                let answers = #"until docker version >/dev/null 2>&1; do [ -e "/proc/$1" ] || exit 1; sleep 0.1; done"#
                try await runner.run(
                    Command("sh", ["-c", answers, "sh", "\(process.pid)"], environment: daemon.environment))
                return try await body(daemon)
            } cleanup: {
                await process.stop(grace: .seconds(20))
            }
        } cleanup: {
            _ = try? await runner.execute(Command("ip", ["link", "delete", bridge]))
            _ = try? await runner.execute(Command("rm", ["-rf", "--one-file-system", "--", daemon.folder]))
        }
    }

    private static let runner = SystemCommandRunner()

    private var command: Command {
        Command(
            "dockerd",
            [
                "--data-root", "\(folder)/data", "--exec-root", "\(folder)/exec", "--pidfile", "\(folder)/pid",
                "--host", "unix://\(folder)/docker.sock", "--iptables=false", "--bridge", Self.bridge,
            ])
    }

    /// One that a killed test has left is made anew.
    private static func makeBridge() async throws {
        _ = try await runner.execute(Command("ip", ["link", "delete", bridge]))
        try await runner.run(Command("ip", ["link", "add", "name", bridge, "type", "bridge"]))
        try await runner.run(Command("ip", ["address", "add", "172.31.250.1/24", "dev", bridge]))
        try await runner.run(Command("ip", ["link", "set", bridge, "up"]))
    }

    @discardableResult
    func run(_ arguments: [String]) async throws -> String {
        try await Self.runner.run(Command("docker", arguments, environment: environment))
    }
}

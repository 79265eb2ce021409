import FoundationEssentials
import Sandbox
import Workbench

/// Containers of the Docker daemon that the `docker` command talks to.
struct DockerHost: ContainerHost {
    let name: String
    let configuration: ImageConfiguration
    let dockerSocket: String?
    private let runner: any CommandRunner
    private let image: String

    /// Gives `body` a host with the image, loaded or pulled where it is not there.
    static func with<Result: Sendable>(
        _ source: ImageSource, runner: any CommandRunner, environment: [String: String],
        _ body: @Sendable (DockerHost) async throws -> Result
    ) async throws -> Result {
        let version = try await runner.run(
            Command("docker", ["version", "--format", "{{.Server.Version}}"])
        ).trimmedLine
        let make = { @Sendable (image: String) in
            DockerHost(
                name: "Docker \(version)", configuration: try await configuration(of: image, runner),
                dockerSocket: socket(environment), runner: runner, image: image)
        }
        switch source {
        case .reference(let reference):
            if try await !runner.execute(Command("docker", ["image", "inspect", reference])).status.isSuccess {
                try await pull(reference, runner)
            }
            return try await body(make(reference))
        case .layout(let layout, let tag):
            let image = "dss-verify:\(UInt32.random(in: 0 ... .max))"
            let archive = Command.archive(layout, tag: tag, to: "/dev/stdout", reference: image)
            try await runner.run(
                Command("bash", ["-o", "pipefail", "-c", "\(archive.shellLine) | docker load --quiet"]))
            return try await finally {
                try await body(make(image))
            } cleanup: {
                _ = try? await runner.execute(Command("docker", ["image", "rm", "--force", image]))
            }
        }
    }

    private static func pull(_ reference: String, _ runner: any CommandRunner) async throws {
        do { try await runner.run(Command("docker", ["pull", "--quiet", reference])) } catch let failure
            as CommandFailure
        {
            throw Failure(.unavailable, "the image \(reference) cannot be pulled", details: failure.lastLines)
        }
    }

    private static func socket(_ environment: [String: String]) -> String? {
        let address = environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock"
        guard address.hasPrefix("unix://") else { return nil }
        let path = String(address.dropFirst("unix://".count))
        return fileExists(path) ? path : nil
    }

    private static func configuration(
        of image: String, _ runner: any CommandRunner
    ) async throws -> ImageConfiguration {
        let format = """
            {"architecture":"{{.Architecture}}","os":"{{.Os}}","created":"{{.Created}}","config":{{json .Config}},\
            "rootfs":{"type":"layers","diff_ids":{{json .RootFS.Layers}}},"history":[]}
            """
        let text = try await runner.run(Command("docker", ["image", "inspect", "--format", format, image]))
        let history = try await runner.run(
            Command("docker", ["image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image]))
        var configuration = try ImageConfiguration(reading: text, of: image)
        configuration.history = history.split(separator: "\n").map { .init(created: "", createdBy: String($0)) }
        return configuration
    }

    func withContainer<Result: Sendable>(
        _ order: ContainerOrder, _ body: @Sendable (any RunningContainer) async throws -> Result
    ) async throws -> Result {
        let name = "dss-verify-\(UInt32.random(in: 0 ... .max))"
        let port = configuration.port
        return try await finally {
            try await withTemporaryDirectory { directory in
                let variables = order.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
                try writeAtomically(variables.joined(), to: "\(directory)/environment", mode: 0o600)
                try await runner.run(
                    Command(
                        "docker",
                        [
                            "run", "--detach", "--name", name, "--env-file", "\(directory)/environment", "--publish",
                            "127.0.0.1::\(port)",
                        ] + order.mounts.flatMap { ["--volume", "\($0.source):\($0.target)"] } + [image]))
            }
            let lines = try await runner.run(Command("docker", ["port", name, "\(port)/tcp"]))
            let published = lines.split(separator: "\n").first?.split(separator: ":").last.flatMap { Int($0) } ?? 0
            let address = GuestAddress(host: "127.0.0.1", sshPort: 0, jupyterPort: published, consoleLog: "")
            return try await body(DockerContainer(address: address, runner: runner, name: name))
        } cleanup: {
            _ = try? await runner.execute(Command("docker", ["rm", "--force", "--volumes", name]))
        }
    }
}

private struct DockerContainer: RunningContainer {
    var address: GuestAddress
    var runner: any CommandRunner
    var name: String

    func run(_ script: String, as user: String) async throws -> CommandOutput {
        try await runner.execute(Command("docker", ["exec", "--user", user, name, "sh", "-c", script]))
    }

    func stop(within limit: Duration) async throws -> Bool {
        try await runner.run(Command("docker", ["stop", "--time", "\(limit.components.seconds)", name]))
        let code = try await runner.run(Command("docker", ["inspect", "--format", "{{.State.ExitCode}}", name]))
        // 137: it had to be killed.
        return code.trimmedLine != "137"
    }

    func log() async -> String {
        let output = try? await runner.execute(Command("docker", ["logs", "--tail", "20", name]))
        return (output?.standardOutput ?? "") + (output?.standardError ?? "")
    }
}

import Sandbox
import Workbench

/// Starts containers of one image, for the checks to look at.
protocol ContainerHost: Sendable {
    /// What runs them, for the report: `Docker 20.10.24`.
    var name: String { get }
    var configuration: ImageConfiguration { get }
    /// The socket of the Docker daemon on this host that containers may be given; `nil` where there is none.
    var dockerSocket: String? { get }

    /// Starts a container and removes it afterwards.
    func withContainer<Result: Sendable>(
        _ order: ContainerOrder, _ body: @Sendable (any RunningContainer) async throws -> Result
    ) async throws -> Result
}

/// How a container is started.
struct ContainerOrder: Sendable {
    /// Secrets may be among them: they are handed over in private files.
    var environment: [String: String]
    /// Paths here and in the container.
    var mounts: [(source: String, target: String)]
}

protocol RunningContainer: Sendable {
    /// Where JupyterLab answers.
    var address: GuestAddress { get }
    /// Runs programs where that address holds.
    var runner: any CommandRunner { get }
    /// Runs a shell script in the container, as a user of it.
    func run(_ script: String, as user: String) async throws -> CommandOutput
    /// Sends SIGTERM.
    /// - Returns: false where it still runs after that time.
    func stop(within limit: Duration) async throws -> Bool
    /// What it printed.
    func log() async -> String
}

/// Runs every program by another one, such as in another network namespace.
struct PrefixedRunner: CommandRunner {
    var runner: any CommandRunner
    var prefix: [String]

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        try await runner.execute(prefixed(command), onLine: onLine)
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await runner.start(prefixed(command), log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (Conversation) async throws -> Result
    ) async throws -> Result {
        try await runner.converse(prefixed(command), body)
    }

    private func prefixed(_ command: Command) -> Command {
        var command = command
        command.arguments = Array(prefix.dropFirst()) + [command.executable] + command.arguments
        command.executable = prefix[0]
        return command
    }
}

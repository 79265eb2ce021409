import Sandbox
import Workbench

/// A runner for code that runs programs to their end and does nothing else with them.
protocol ExecutingRunner: CommandRunner {}

extension ExecutingRunner {
    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw Failure(.bug, "\(command.executable) is only run to its end")
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        throw Failure(.bug, "\(command.executable) is only run to its end")
    }
}

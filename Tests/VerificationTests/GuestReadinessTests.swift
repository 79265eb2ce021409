import Sandbox
import Testing
import Workbench

@testable import Verification

struct GuestReadinessTests {
    /// JupyterLab answers with this status; 0 is no answer.
    private struct Browser: CommandRunner {
        var status: Int

        func execute(
            _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
        ) async throws -> CommandOutput { CommandOutput(standardOutput: "\(status) ") }

        func start(_ command: Command, log: String) async throws -> BackgroundProcess {
            throw Failure(.bug, "\(command.executable) must not run")
        }

        func converse<Result: Sendable>(
            _ command: Command, _ body: (PromptSession) async throws -> Result
        ) async throws -> Result { throw Failure(.bug, "\(command.executable) must not run") }
    }

    private let tunnel = "JupyterLab runs on this machine:\n    ssh -L 49494:localhost:49494 ubuntu@10.0.2.15\n"

    private func wait(_ status: Int, console: String) async throws -> Bool {
        try await withTemporaryDirectory { directory in
            let log = "\(directory)/console"
            try writeAtomically(console, to: log)
            let address = GuestAddress(host: "127.0.0.1", sshPort: 1, jupyterPort: 2, consoleLog: log)
            return try await GuestReadiness(of: address, within: .zero, runner: Browser(status: status)) { _ in }
                .waitForJupyter(on: 49494)
        }
    }

    @Test func theWaitEndsWithAnAnswerOrWithATunnelOnTheConsole() async throws {
        #expect(try await !wait(302, console: ""))
        #expect(try await wait(0, console: tunnel))
    }

    @Test func aTunnelToAnotherPortIsNotTheOneToJupyterLab() async throws {
        let failure = await #expect(throws: Failure.self) {
            try await wait(0, console: tunnel.replacing("49494", with: "5432"))
        }
        #expect(failure?.message == "JupyterLab did not answer within 0 s")
    }
}

import AWSCore
import ArgumentParser
import Foundation
import HTTPTransport
import Sandbox
import Synchronization
import Testing
import Workbench

@testable import dss

/// A world in which a test runs commands without starting the program: what is not set fails when it is used.
struct PretendWorld {
    var environment: [String: String] = [:]
    var directory = "/nonexistent"
    var isRoot = false
    /// The program as it was called.
    var program = "dss"
    /// Whether a person with a terminal of 80 columns is there, and what they answer to every question.
    var person: String?
    /// What writing to standard output fails with.
    var outputError: Int32?
    var runner: any CommandRunner = NoPrograms()
    var network: any Network = NoNetwork()
    var now = Date(timeIntervalSince1970: 1_795_000_000)

    /// The output and the exit code of a command.
    struct Said: Sendable {
        var output: String
        var errors: String
        var code: Int32

        /// The document of `--json`.
        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
        }
    }

    func dss(_ arguments: String...) async -> Said { await dss(arguments) }

    func dss(_ arguments: [String]) async -> Said {
        let (output, errors) = (Buffer(), Buffer())
        let live = live(output, errors, arguments)
        let code = await Main.run(arguments, in: live) { try await $0.run(in: live) }
        return Said(output: output.text, errors: errors.text, code: code)
    }

    func live(_ output: Buffer, _ errors: Buffer, _ arguments: [String] = []) -> Live {
        Live(
            invocation: Invocation(program: program, arguments: arguments, sudo: isRoot ? "" : "sudo "),
            environment: environment, currentDirectory: directory, home: directory, isRoot: isRoot,
            standardOutput: terminal(output, outputError), standardError: terminal(errors),
            keyboard: Keyboard(
                isTerminal: person != nil,
                answer: { [person] ask in
                    ask()
                    return person ?? ""
                },
                password: { [person] prompt in
                    errors.write(prompt)
                    return person
                }, firstLine: { [person] in Array((person ?? "").utf8) }),
            runner: runner, network: network, clock: ContinuousClock(), now: { [now] in now })
    }

    private func terminal(_ buffer: Buffer, _ error: Int32? = nil) -> Terminal {
        Terminal(
            isTerminal: person != nil, environment: environment, width: { 80 }, write: buffer.write,
            writeError: { error })
    }
}

/// Keeps what is written to it.
final class Buffer: Sendable {
    private let written = Mutex("")

    var text: String { written.withLock { $0 } }

    @Sendable func write(_ text: String) { written.withLock { $0 += text } }
}

struct NoPrograms: CommandRunner {
    private var noPrograms: Failure { Failure(.bug, "this test starts no programs") }

    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput { throw noPrograms }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw noPrograms
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { throw noPrograms }
}

struct NoNetwork: Network {
    func withTransport<Result>(
        _ settings: HTTPSettings, _ body: (any Transport) async throws -> Result
    ) async throws -> Result { throw TransportError(.notConnected, "this test has no network") }
}

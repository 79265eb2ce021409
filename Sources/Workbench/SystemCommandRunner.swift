import Subprocess
import SystemPackage

/// Runs programs for real, each in a session of its own, so that Ctrl-C reaches only this process,
/// which then decides in which order things end.
package struct SystemCommandRunner: CommandRunner {
    package init() {}

    package func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let result = try await launching(command) {
            try await Subprocess.run(
                command.configuration, input: command.inputBytes, output: .sequence, error: .sequence
            ) { execution in
                async let out = collect(execution.standardOutput) { onLine?(.standardOutput, $0) }
                async let err = collect(execution.standardError) { onLine?(.standardError, $0) }
                return try await (out, err)
            }
        }
        return CommandOutput(
            status: result.terminationStatus.exitStatus, standardOutput: result.closureResult.0,
            standardError: result.closureResult.1)
    }

    package func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        let launcher = Command(
            "sh",
            ["-c", #"log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!"#, "sh", log, command.executable]
                + command.arguments,
            environment: command.environment, workingDirectory: command.workingDirectory)
        let answer = try await run(launcher)
        guard let pid = Int32(answer.trimmedLine), let process = BackgroundProcess(pid: pid) else {
            throw CommandFailure(command, CommandOutput(status: .exited(1), standardError: tail(of: log)))
        }
        return process
    }

    package func converse<Result: Sendable>(
        _ command: Command, _ body: (Conversation) async throws -> Result
    ) async throws -> Result {
        try await launching(command) {
            try await Subprocess.run(
                command.configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput
            ) { execution in
                let conversation = Conversation(
                    output: execution.standardOutput, input: execution.standardInputWriter)
                let result = try await body(conversation)
                await conversation.hangUp()
                await execution.teardown(using: Command.teardown)
                return result
            }
        }.closureResult
    }

    private func launching<Result: ~Copyable>(
        _ command: Command, _ body: () async throws -> Result
    ) async throws -> Result {
        do { return try await body() } catch let error as SubprocessError where error.code == .executableNotFound {
            throw ToolMissing(executable: command.executable)
        }
    }

    private func collect(
        _ output: SubprocessOutputSequence, _ onLine: @Sendable (String) -> Void
    ) async throws -> String {
        var text = ""
        for try await line in output.strings() {
            let line = line.hasSuffix("\n") ? String(line.dropLast()) : line
            onLine(line)
            text += line + "\n"
        }
        return text
    }
}

extension Command {
    /// SIGTERM to the whole session, SIGKILL after ten seconds.
    static let teardown: [TeardownStep] = [
        .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(10))
    ]

    fileprivate var inputBytes: ArrayInput {
        switch input {
        case .none: .array([])
        case .text(let text): .array(Array(text.utf8))
        }
    }

    fileprivate var configuration: Configuration {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = Self.teardown
        let variables = environment.map { (Environment.Key(rawValue: $0.key)!, $0.value) }
        return Configuration(
            executable: executable.hasPrefix("/") ? .path(FilePath(executable)) : .name(executable),
            arguments: Arguments(arguments),
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: variables)),
            workingDirectory: workingDirectory.map { FilePath($0) }, platformOptions: options)
    }
}

extension TerminationStatus {
    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .signalled(signal)
        }
    }
}

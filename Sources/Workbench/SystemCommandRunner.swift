import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// Runs programs on the host, each in its own session, so that Ctrl-C reaches only this process, which then ends the
/// programs in the right order.
package struct SystemCommandRunner: CommandRunner {
    /// Ignores SIGPIPE in this process: writing to a program that has ended or to a closed terminal is an error to
    /// handle and must not kill a build. Started programs get the default action.
    package init() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Returns when the program itself exits. Its background processes, such as the master of a shared SSH connection,
    /// keep running and are not waited for, even if they still hold the program's output open.
    package func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let result = try await launching(command) {
            try await Subprocess.run(
                command.configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                async let written: Void = write(command.input, to: execution.standardInputWriter)
                async let out = collect(execution.standardOutput, .standardOutput, onLine)
                async let err = collect(execution.standardError, .standardError, onLine)
                let output = try await (out, err)
                if Task.isCancelled {
                    await execution.teardown(using: Command.teardown)
                    await ProcessGroup(execution.processIdentifier.value).end()
                }
                await written
                return output
            }
        }
        return CommandOutput(
            status: result.terminationStatus.exitStatus, standardOutput: result.closureResult.0,
            standardError: result.closureResult.1)
    }

    /// The program stays in this process's session, so that it can read from the terminal.
    package func attach(_ command: Command) async throws -> ExitStatus {
        var configuration = command.configuration
        configuration.platformOptions.createSession = false
        return try await launching(command) {
            try await Subprocess.run(
                configuration, input: .currentStandardInput, output: .currentStandardOutput,
                error: .currentStandardError)
        }.terminationStatus.exitStatus
    }

    package func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        let script = #"""
            log=$1; shift
            command -v -- "$1" >/dev/null || exit 127
            : >>"$log" || exit 1
            setsid -- "$@" </dev/null >>"$log" 2>&1 &
            echo $!
            """#
        let output = try await execute(
            Command(
                "sh", ["-c", script, "sh", log, command.executable] + command.arguments,
                environment: command.environment, workingDirectory: command.workingDirectory))
        guard output.status != .exited(127) else { throw ToolMissing(executable: command.executable) }
        guard output.status.isSuccess else { throw CommandFailure(command, output) }
        guard let pid = Int32(output.standardOutput.trimmedLine), let process = BackgroundProcess(pid: pid) else {
            throw CommandFailure(command, CommandOutput(status: .exited(1), standardError: tail(of: log)))
        }
        return process
    }

    /// Ends the program and all its children when `body` returns or throws.
    package func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        try await launching(command) {
            try await Subprocess.run(
                command.configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput
            ) { execution in
                let conversation = PromptSession(
                    output: execution.standardOutput, input: execution.standardInputWriter)
                let outcome: Swift.Result<Result, any Error>
                do { outcome = .success(try await body(conversation)) } catch { outcome = .failure(error) }
                await conversation.hangUp()
                await execution.teardown(using: Command.teardown)
                await ProcessGroup(execution.processIdentifier.value).end()
                return try outcome.get()
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

    /// Writes the input. A program may exit without reading all of it, so write errors are ignored.
    private func write(_ input: Command.Input, to writer: StandardInputWriter) async {
        if case .text(let text) = input { _ = try? await writer.write(Array(text.utf8)) }
        try? await writer.finish()
    }

    private func collect(
        _ output: SubprocessOutputSequence, _ stream: OutputStream,
        _ onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> String {
        var bytes: [UInt8] = []
        var lines = LineSplitter()
        for try await buffer in output {
            buffer.withUnsafeBytes { chunk in
                bytes.append(contentsOf: chunk)
                if let onLine { for line in lines.feed(chunk) { onLine(stream, line) } }
            }
        }
        if let onLine, let last = lines.finish() { onLine(stream, last) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Command {
    /// SIGTERM to the process group, SIGKILL after ten seconds.
    static let teardown: [TeardownStep] = [
        .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(10))
    ]

    fileprivate var configuration: Configuration {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = Self.teardown
        let variables = environment.map { (Environment.Key(rawValue: $0.key)!, $0.value) }
        return Configuration(
            executable: executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
            arguments: Arguments(arguments),
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: variables)),
            workingDirectory: workingDirectory.map { FilePath($0) }, platformOptions: options)
    }
}

extension TerminationStatus {
    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .signaled(signal)
        }
    }
}

/// Splits a stream of bytes into lines as they arrive.
///
/// A line ends with LF, CR or CR LF and with nothing else, because U+2028 and similar characters occur inside JSON. A
/// line that ends with CR is returned at once, without waiting for the next byte: a progress display may print nothing
/// after it.
struct LineSplitter {
    private var unfinished: [UInt8] = []
    private var lastWasReturn = false

    /// - Returns: the lines completed by these bytes, without their line endings.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            defer { lastWasReturn = byte == 0x0D }
            switch byte {
            case 0x0A where lastWasReturn: continue
            case 0x0A, 0x0D: lines.append(flush())
            default: unfinished.append(byte)
            }
        }
        return lines
    }

    /// - Returns: the last line if it has no line ending.
    mutating func finish() -> String? {
        unfinished.isEmpty ? nil : flush()
    }

    private mutating func flush() -> String {
        defer { unfinished.removeAll(keepingCapacity: true) }
        return String(decoding: unfinished, as: UTF8.self)
    }
}

/// A program and its children, except those that created their own process groups.
struct ProcessGroup {
    private let id: Int32

    init(_ leader: Int32) {
        id = leader
    }

    /// Ends the processes that outlived the leader: they received SIGTERM with it and get SIGKILL after `grace`.
    ///
    /// Must be called before the leader is reaped, because the id could be reused afterwards.
    func end(grace: Duration = .seconds(2)) async {
        let deadline = ContinuousClock.now + grace
        // In a separate task: clean-up must wait even if the current task is cancelled.
        await Task {
            while hasLivingMembers, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        }.value
        if hasLivingMembers { kill(-id, SIGKILL) }
    }

    /// Zombies do not count.
    private var hasLivingMembers: Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.contains { pid in
            guard let status = ProcessStatus(pid: pid) else { return false }
            return status.group == id && !status.isDead
        }
    }
}

/// The contents of `/proc/PID/stat`; see proc(5) for the fields.
struct ProcessStatus {
    let isDead: Bool
    let group: Int32
    /// Clock ticks since boot.
    let startTime: UInt64

    /// - Returns: `nil` if there is no such process.
    init?(pid: Int32, in proc: String = "/proc") {
        guard let text = try? readText("\(proc)/\(pid)/stat") else { return nil }
        // The second field, the program's name in parentheses, may itself contain spaces and parentheses.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let group = Int32(fields[2]), let startTime = UInt64(fields[19]) else { return nil }
        isDead = fields[0] == "Z" || fields[0] == "X"
        self.group = group
        self.startTime = startTime
    }
}

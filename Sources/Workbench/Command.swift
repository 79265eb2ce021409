/// The invocation of an external program as a value, so that tests can compare it and one place runs it.
///
/// Secrets belong in `input`, never in `arguments` or `environment`, where `ps` could show them to other users.
package struct Command: Sendable, Equatable {
    package enum Input: Sendable, Equatable {
        case none
        /// Text to write to standard input, which is then closed.
        case text(String)
    }

    /// A program name to look up in PATH, or an absolute path.
    package var executable: String
    package var arguments: [String]
    /// Variables to set in addition to the inherited environment; `nil` removes a variable.
    package var environment: [String: String?]
    package var workingDirectory: String?
    package var input: Input

    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
        workingDirectory: String? = nil, input: Input = .none
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.input = input
    }

    /// The command as a line to copy and paste into a shell.
    package var shellLine: String {
        let variables = environment.sorted { $0.key < $1.key }
            .compactMap { name, value in value.map { "\(name)=\(shellQuoted($0))" } }
        let words = ([executable] + arguments).map(shellQuoted)
        let line = (variables + words).joined(separator: " ")
        return workingDirectory.map { "cd \(shellQuoted($0)) && \(line)" } ?? line
    }
}

/// Quotes a word for a POSIX shell, if it needs quotes.
package func shellQuoted(_ word: String) -> String {
    let plain =
        !word.isEmpty
        && word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./=:,@%+".utf8.contains(byte)
            }
        }
    guard !plain else { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
}

/// How a program ended.
package enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    package var isSuccess: Bool { self == .exited(0) }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}

package struct CommandOutput: Sendable, Equatable {
    package var status: ExitStatus
    package var standardOutput: String
    package var standardError: String

    package init(status: ExitStatus = .exited(0), standardOutput: String = "", standardError: String = "") {
        self.status = status
        self.standardOutput = standardOutput
        self.standardError = standardError
    }
}

package enum OutputStream: Sendable { case standardOutput, standardError }

/// Runs external programs. All programs are started through this protocol, so that tests can inspect the commands.
package protocol CommandRunner: Sendable {
    /// Runs a program and waits for it, whatever its exit status; cancelling the task ends it and all its children.
    /// - Parameter onLine: called for each line of output as it arrives.
    /// - Throws: `ToolMissing` if the program is not installed.
    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput

    /// Starts a detached program that writes its output to a file and outlives this process.
    func start(_ command: Command, log: String) async throws -> BackgroundProcess

    /// Runs a program on this process's own terminal, input and output, and waits for it.
    func attach(_ command: Command) async throws -> ExitStatus

    /// Runs an interactive program: `body` waits for its prompts and answers them.
    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result
}

extension CommandRunner {
    package func execute(_ command: Command) async throws -> CommandOutput {
        try await execute(command, onLine: nil)
    }

    /// For a runner without a terminal.
    package func attach(_ command: Command) async throws -> ExitStatus {
        try await execute(command).status
    }

    /// Runs a program that must succeed.
    /// - Returns: the standard output.
    /// - Throws: `CommandFailure` with the end of the output if the program fails.
    @discardableResult
    package func run(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)? = nil
    ) async throws -> String {
        let output = try await execute(command, onLine: onLine)
        try Task.checkCancellation()
        guard output.status.isSuccess else { throw CommandFailure(command, output) }
        return output.standardOutput
    }
}

/// The failure of a program that was expected to succeed.
package struct CommandFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package var command: Command
    package var status: ExitStatus
    /// The last lines of output, standard error after standard output.
    package var lastLines: [String]

    package init(_ command: Command, _ output: CommandOutput, lines: Int = 15) {
        self.command = command
        status = output.status
        lastLines = [output.standardOutput, output.standardError].flatMap { text in
            text.split(whereSeparator: \.isNewline).suffix(lines).map(String.init)
        }
    }

    package var description: String {
        (["\(command.executable) failed with \(status)"] + lastLines.map { "  \($0)" }
            + ["  to run it again: \(command.shellLine)"]).joined(separator: "\n")
    }
}

/// A required program is not installed.
package struct ToolMissing: Error, Sendable, Equatable, CustomStringConvertible {
    package var executable: String
    package var description: String { "the program '\(executable)' is not installed" }
}

import Foundation
import Workbench

/// The real program, as it was built with the tests.
package enum Program {
    package static let dss: String = {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path() + "dss"
        let built = PythonProcess.root.path() + ".build/debug/dss"
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : built
    }()

    /// A call with nothing in its environment but what is given here.
    package static func command(
        _ arguments: [String], _ environment: [String: String], in folder: String? = nil
    ) -> Command {
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        return Command("env", ["-i"] + variables + [dss] + arguments, workingDirectory: folder)
    }

    package static func run(
        _ arguments: [String], _ environment: [String: String], in folder: String? = nil
    ) async throws -> ProgramOutput {
        ProgramOutput(try await SystemCommandRunner().execute(command(arguments, environment, in: folder)))
    }

    /// The program on a terminal of 80 columns, in a shell that outlives Ctrl-C: `script` takes the user's shell, and
    /// not all do.
    /// - Returns: all that it has said, and `rc=` with its exit code.
    package static func atTerminal(
        _ arguments: [String], _ environment: [String: String], in folder: String? = nil,
        talk: @escaping @Sendable (PromptSession) async throws -> Void
    ) async throws -> String {
        let line = command(arguments, environment).shellLine
        return try await SystemCommandRunner().converse(
            Command(
                "script",
                ["--quiet", "--return", "--command", "trap : INT; stty cols 80; \(line); echo rc=$?", "/dev/null"],
                workingDirectory: folder)
        ) { program in
            try await talk(program)
            while try await program.expect("\n") != nil {}
            return await program.transcript
        }
    }
}

/// What a program has said, and how it ended.
package struct ProgramOutput: Sendable {
    package var status: ExitStatus
    package var output: String
    package var errors: String

    package init(_ said: CommandOutput) {
        status = said.status
        output = said.standardOutput
        errors = said.standardError
    }

    /// The document of `--json`, where it is an object.
    package var json: [String: Any] { decoded as? [String: Any] ?? [:] }

    /// The document of `--json`, where it is a list.
    package var rows: [[String: Any]] { decoded as? [[String: Any]] ?? [] }

    private var decoded: Any? { try? JSONSerialization.jsonObject(with: Data(output.utf8)) }
}

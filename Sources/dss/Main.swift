import ArgumentParser
import Glibc
import Reporting
import Sandbox
import Workbench

/// Parses, runs one command, and turns whatever ends it into a message and an exit code.
@main
struct Main {
    static func main() async {
        let command: any ParsableCommand
        do { command = try Dss.parseAsRoot() } catch { Dss.exit(withError: error) }
        do {
            if let asyncCommand = command as? any AsyncParsableCommand {
                try await runInterruptibly(asyncCommand)
            } else {
                var command = command
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }

    private static func runInterruptibly(_ command: sending any AsyncParsableCommand) async throws {
        try await interruptible { name, isSecond in
            Terminal.standardError.write(
                isSecond
                    ? "\ndss: stopped without cleaning up; 'dss show-assets' lists what is left\n"
                    : "\ndss: \(name), cleaning up (once more to stop at once)\n")
        } _: {
            var command = command
            try await command.run()
        }
    }

    /// What a command throws to end without a message is ArgumentParser's; everything else is a `Failure` in the end.
    private static func end(with error: any Error) -> Never {
        if error is ExitCode || [.success, .validationFailure].contains(Dss.exitCode(for: error)) {
            Dss.exit(withError: error)
        }
        let failure = Failure(explaining: error)
        if CommandLine.arguments.contains("--json") {
            Terminal.standardOutput.write(failure.event())
        } else {
            Terminal.standardError.write(failure.text(Terminal.standardError.style))
        }
        exit(failure.code.rawValue)
    }
}

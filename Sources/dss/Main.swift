import ArgumentParser
import DiskImages
import Glibc
import Reporting
import Sandbox
import Workbench

/// A command of this program. ArgumentParser parses it; its own `run()` is left to the groups of commands, whose run is
/// their help.
protocol DssCommand: ParsableCommand {
    /// Whether the command as it was typed must run as root.
    var needsRoot: Bool { get }

    func run(in live: Live) async throws
}

extension DssCommand {
    var needsRoot: Bool { false }
}

/// The program: one world, one command line, one exit code.
@main
struct Main {
    static func main() async {
        let live = Live.process()
        let code = await run(Array(CommandLine.arguments.dropFirst()), in: live, inquireInterruptibly) {
            try await runInterruptibly($0, live)
        }
        exit(code)
    }

    /// Looks for the cause of a failure.
    typealias Inquiry = @Sendable () async -> Failure?

    /// Parses the command line, runs its command, and prints errors.
    /// - Parameters:
    ///   - inquire: Looks for the cause of a failure that was printed.
    ///   - perform: Runs a command; tests leave signals alone.
    /// - Returns: The exit code.
    static func run(
        _ arguments: [String], in live: Live,
        _ inquire: @Sendable (@escaping Inquiry) async -> Failure? = { await $0() },
        _ perform: @Sendable (sending any DssCommand) async throws -> Void
    ) async -> Int32 {
        let code = await runCommand(arguments, in: live, inquire, perform)
        guard let error = live.standardOutput.writeError() else { return code }
        // A closed pipe ends as it does for programs that SIGPIPE ends, such as git: without a word.
        guard error != EPIPE else { return code == 0 ? 128 + SIGPIPE : code }
        let failure = Failure(.outputFailed, "cannot write to standard output: \(String(cString: strerror(error)))")
        let failed = report(failure, json: false, live)
        return code == 0 ? failed : code
    }

    private static func runCommand(
        _ arguments: [String], in live: Live, _ inquire: @Sendable (@escaping Inquiry) async -> Failure?,
        _ perform: @Sendable (sending any DssCommand) async throws -> Void
    ) async -> Int32 {
        let isJSON = arguments.contains("--json")
        if let failure = Dss.unknownCommand(in: arguments) { return report(failure, json: isJSON, live) }
        do {
            var command = try Dss.parseAsRoot(arguments)
            do {
                guard let command = command as? any DssCommand else {
                    try command.run()
                    return 0
                }
                try live.requireRoot(for: command)
                try await perform(command)
                return 0
            } catch let error where !isOfParser(error) {
                let failure = Failure(explaining: error)
                guard let inquiry = failure.inquiry else { return report(failure, json: isJSON, live) }
                if isJSON {
                    // The stream ends with one failure.
                    let cause = await inquire(inquiry)
                    return report(cause.map(failure.explained) ?? failure, json: true, live)
                }
                let code = report(failure, json: false, live)
                guard let cause = await inquire(inquiry) else { return code }
                return report(cause, json: false, live)
            }
        } catch {
            return reportOfParser(error, live)
        }
    }

    private static func runInterruptibly(_ command: sending any DssCommand, _ live: Live) async throws {
        try await interruptible { name, isLast in
            if isLast { LeftoverGuests().abandon() }
            // On a terminal, in place of a line that shows what is being done.
            let start = live.standardError.isInteractive ? "\r\u{1b}[K" : "\n"
            live.standardError.write(
                start
                    + (isLast
                        ? live.invocation.spelled(stopped)
                        : "dss: \(name): cleaning up (repeat to stop immediately)\n"))
        } _: {
            try await command.run(in: live)
        }
    }

    /// Ends the look-up at a signal, which leaves the failure as it is.
    private static func inquireInterruptibly(_ inquiry: @escaping Inquiry) async -> Failure? {
        try? await interruptible { _, _ in
        } _: {
            await inquiry()
        }
    }

    /// The last words of a process that ends without removing what it has created.
    private static var stopped: String {
        let leftovers = PendingRemovals.lines
        let lines = ["dss: stopped without cleaning up" + (leftovers.isEmpty ? "" : "; left behind:")]
        return (lines + leftovers.map { "  \($0)" }).map { $0 + "\n" }.joined()
    }

    /// Whether ArgumentParser explains this error of a command: help, a usage error, or a bare exit code.
    private static func isOfParser(_ error: any Error) -> Bool {
        error is ExitCode || [.success, .validationFailure].contains(Dss.exitCode(for: error))
    }

    private static func reportOfParser(_ error: any Error, _ live: Live) -> Int32 {
        let (code, text) = (Dss.exitCode(for: error), Dss.fullMessage(for: error))
        guard !text.isEmpty else { return code.rawValue }
        if code.isSuccess {
            live.standardOutput.write(Dss.optionsFirst(text) + "\n")
        } else {
            live.standardError.write(live.invocation.spelled(Dss.usageError(error, live.standardError.style)))
        }
        return code.rawValue
    }

    private static func report(_ failure: Failure, json isJSON: Bool, _ live: Live) -> Int32 {
        let failure = failure.spelled(by: live.invocation)
        if isJSON {
            live.standardOutput.write(failure.event())
        } else {
            live.standardError.write(failure.text(live.standardError.style))
        }
        return failure.code.rawValue
    }
}

/// The command `dss`.
struct Dss: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dss",
        abstract: "Build, verify and manage data-science sandbox images",
        discussion: """
            sandbox.yaml defines a sandbox. To build its VM images on this host:

              sudo dss create-vm

            To boot it and open JupyterLab in a browser:

              dss run

            To verify that an image boots and works as specified:

              dss verify-vm IMAGE --ask-default-password

            Exit codes: 0 success, 1 failure, 64 usage error, 65 invalid data, 69 tool or service unavailable, 70 \
            internal error, 74 output cannot be written, 75 temporary failure (try again later), 77 permission \
            denied, 130 interrupted.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Build",
                subcommands: [
                    CreateVM.self, ShellCommand.self, Run.self, VerifyVM.self, CreateDockerImage.self,
                    VerifyDockerImage.self, InspectCommand.self,
                ]),
            CommandGroup(
                name: "Step-by-step AWS build",
                subcommands: [SetupEC2.self, SetupEC2AndInstallDependencies.self, ExportVM.self]),
            CommandGroup(name: "Existing machine", subcommands: [InstallDependencies.self, ResetPassword.self]),
            CommandGroup(
                name: "Inventory and clean-up",
                subcommands: [
                    ShowAssets.self, DeleteAssets.self, ShowAWSAssets.self, DeleteAWSAssets.self, PruneCache.self,
                ]),
            CommandGroup(
                name: "AMI", subcommands: [UploadVM.self, VerifyAMI.self, CopyAMI.self, MakeAMIPublic.self]),
            CommandGroup(
                name: "Release",
                subcommands: [
                    ReleaseCommand.self, StartReleaseBuild.self, StartTestReleaseBuild.self, UpdateRelease.self,
                    PublishIndex.self, Download.self,
                ]),
            CommandGroup(
                name: "AWS setup",
                subcommands: [
                    SetupVMBucketWAF.self, SetupVMBucket.self, SetupReleaseCodeBuild.self, SetupCICodeBuild.self,
                    IAMPolicyCommand.self,
                ]),
            CommandGroup(
                name: "Configuration and diagnostics",
                subcommands: [
                    InitCommand.self, CheckCommand.self, DefinitionCommand.self, PinsCommand.self, WhoAmI.self,
                    Doctor.self,
                ]),
        ])
}

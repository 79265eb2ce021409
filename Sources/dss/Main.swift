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

/// The command `dss`.
struct Dss: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dss",
        abstract: "Builds, checks and accounts for data-science sandbox images.",
        discussion: """
            A sandbox is defined by sandbox.yaml. One command builds it into VM images on this machine:

              sudo dss create-vm

            and another proves that an image boots and is what it claims to be:

              sudo dss verify-vm IMAGE --hardware vmware --ask-default-password

            Exit codes: 0 done, 1 failed, 64 usage, 65 bad data, 69 unavailable, 70 a bug in dss, 75 try again \
            later, 77 missing permission, 130 interrupted.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Build",
                subcommands: [CreateVM.self, VerifyVM.self, CreateDockerImage.self, VerifyDockerImage.self]),
            CommandGroup(
                name: "Start on AWS", subcommands: [SetupEC2.self, SetupEC2AndInstallDependencies.self, ExportVM.self]),
            CommandGroup(name: "On a machine", subcommands: [InstallDependencies.self, ResetPassword.self]),
            CommandGroup(
                name: "Account for",
                subcommands: [
                    ShowAssets.self, DeleteAssets.self, ShowAWSAssets.self, DeleteAWSAssets.self, PruneCache.self,
                ]),
            CommandGroup(
                name: "Publish on AWS", subcommands: [UploadVM.self, VerifyAMI.self, CopyAMI.self, MakeAMIPublic.self]),
            CommandGroup(
                name: "Release",
                subcommands: [
                    ReleaseCommand.self, StartReleaseBuild.self, StartTestReleaseBuild.self, UpdateRelease.self,
                    PublishIndex.self, Download.self,
                ]),
            CommandGroup(
                name: "Set up AWS",
                subcommands: [
                    SetupVMBucketWAF.self, SetupVMBucket.self, SetupReleaseCodeBuild.self, SetupCICodeBuild.self,
                    IAMPolicyCommand.self,
                ]),
            CommandGroup(
                name: "Prepare",
                subcommands: [DefinitionCommand.self, PinsCommand.self, WhoAmI.self, Doctor.self]),
        ])
}

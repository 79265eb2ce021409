import ArgumentParser

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

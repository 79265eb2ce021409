import AWSTestSupport
import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// The life of an AMI of this project's own sandbox, by the commands that people type: on AWS itself where that is
    /// asked for, otherwise on the emulator with a real machine behind the instance.
    @Suite("System tests")
    struct SystemTests {
        static let environment = ProcessInfo.processInfo.environment
        static let isOnAWS =
            environment["DSS_RUN_CI_TEST"] == "true" && !(environment["AWS_PROFILE"] ?? "").isEmpty

        @Test(
            "on AWS: an AMI is built, started, used and removed",
            .enabled(if: isOnAWS, "costs money on AWS: set DSS_RUN_CI_TEST=true and AWS_PROFILE"))
        func onAWS() async throws {
            try await Workspace.with { workspace in
                try await life(
                    of: "ci-\(UInt32.random(in: 0 ... .max))", at: RealAWS(workspace: workspace),
                    seeing: Self.seen + Self.seenOnAWS)
            }
        }

        @Test(
            "on the emulator: an AMI is built, started, used and removed",
            .enabled(if: Workspace.isRoot && !isOnAWS, "\(Workspace.needsRoot), and is not for a run on AWS"))
        func onEmulator() async throws {
            try await Workspace.with { workspace in
                try await AWSEmulator.with { emulator in
                    let account = AWSAccountOfTest(workspace: workspace, emulator: emulator)
                    try await account.setUp()
                    let empty = try await account.census()
                    try await ScriptLanguages.served { url in
                        try await life(
                            of: "e2e-system", at: EmulatedAWS(account: account, scriptLanguages: url),
                            seeing: Self.seen)
                    }
                    #expect(try await account.census() == empty)
                }
            }
        }

        /// What a run must have seen; the program makes more checks, all of which have to pass.
        static let seen = [
            "the first login with the default password forces a new one",
            "the default password is refused afterwards", "JupyterLab answers 200 to /lab with the token",
            "the message of the day shows JupyterLab's address with a token",
        ]

        /// What takes too long on an emulated processor; the main job and the Docker edition look at it without AWS.
        static let seenOnAWS = [
            "the message of the day shows the address without a token then",
            "every notebook of the sandbox runs to its end",
            "exaslct reads the flavors of script-languages-release",
        ]

        private func life(
            of assetID: String, at workspace: some SystemSite, seeing checks: [String]
        ) async throws {
            try await finally {
                let built = try await workspace.build(["create-vm", "--provider", "aws", "--asset-id", assetID])
                try #require(built.status.isSuccess, "\(built)")
                let verified = try await workspace.verify(assetID)
                print(verified.standardOutput)
                #expect(verified.status.isSuccess, "\(verified)")
                for check in checks { #expect(verified.standardOutput.contains("passed \(check)"), "\(check)") }
            } cleanup: {
                let removed = try? await workspace.dss(["delete-aws-assets", "--asset-id", assetID, "--yes"])
                #expect(removed?.status.isSuccess == true, "\(String(describing: removed))")
            }
            let left = try await workspace.dss(["show-aws-assets", "--asset-id", assetID, "--json"])
            #expect(left.status.isSuccess && left.standardOutput.filter { !$0.isWhitespace } == "[]", "\(left)")
        }
    }
}

/// Where an AMI is built and started.
private protocol SystemSite: Sendable {
    func dss(_ arguments: [String]) async throws -> CommandOutput
    func build(_ arguments: [String]) async throws -> CommandOutput
    /// Starts from what was built and checks it.
    func verify(_ assetID: String) async throws -> CommandOutput
}

private struct RealAWS: SystemSite {
    let workspace: Workspace

    func dss(_ arguments: [String]) async throws -> CommandOutput {
        try await workspace.run(arguments, environment: ["DSS_DEFAULT_PASSWORD": EndToEnd.AWSEndToEndTests.password])
    }

    func build(_ arguments: [String]) async throws -> CommandOutput {
        try await dss(arguments + ["--format", "vmdk", "--release"])
    }

    func verify(_ assetID: String) async throws -> CommandOutput {
        try await dss(["verify-ami", "--asset-id", assetID])
    }
}

/// The emulator starts nothing; the image that it exported is booted here.
private struct EmulatedAWS: SystemSite {
    let account: AWSAccountOfTest
    let scriptLanguages: String

    private static let sizeGiB = 16

    func dss(_ arguments: [String]) async throws -> CommandOutput { try await account.dss(arguments) }

    func build(_ arguments: [String]) async throws -> CommandOutput {
        let rooms = "\(account.workspace.root)/room"
        try makeDirectory(rooms)
        return try await AWSMachineRoom.with(
            account.emulator, cache: account.workspace.cache, folder: rooms, reachesHost: true
        ) { room in
            async let life: Void = room.live(sizeMiB: Self.sizeGiB * 1024)
            let said = try await dss(
                arguments + [
                    "--format", "vmdk", "--release", "--export-method", "vm-export", "--ssh-config", room.sshConfig,
                    "--ssh-cidr", "192.0.2.1/32", "--set", "aws.volume_size=\(Self.sizeGiB)GiB", "--set",
                    "playbook.variables.script_languages_url=\(scriptLanguages)",
                ])
            if said.status.isSuccess { try await life }
            return said
        }
    }

    func verify(_ assetID: String) async throws -> CommandOutput {
        let image = "\(account.workspace.root)/\(assetID).vmdk"
        try await account.download("vmdk", to: image)
        return try await dss(["verify-vm", image, "--hardware", "vmware", "--checks", "login"])
    }
}

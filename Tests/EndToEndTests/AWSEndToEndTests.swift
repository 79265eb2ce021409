import AWSTestSupport
import Foundation
import Testing
import Workbench

extension EndToEnd {
    /// The whole job on AWS against the emulator: a real machine behind the instance, real Ansible, the real seal, the
    /// image's own disk in the exports.
    @Suite("On AWS", .enabled(if: Workspace.isRoot, "\(Workspace.needsRoot)"), .timeLimit(.minutes(30)))
    struct AWSEndToEndTests {
        static let password = "for the tests only"
        static let sizeGiB = 16

        @Test("builds, exports both ways, lists and removes everything")
        func wholeJob() async throws {
            try await withTemporaryDirectory(in: "/var/tmp") { folder in
                var sandbox = SmallSandbox()
                sandbox.formats = "[vmdk, vhd]"
                sandbox.extraLines = "aws: {volume_size: \(Self.sizeGiB)GiB}"
                try await Workspace.with(definition: sandbox.write(to: folder)) { workspace in
                    try await AWSEmulator.with { emulator in
                        let account = AWSAccountOfTest(workspace: workspace, emulator: emulator)
                        try await account.setUp()
                        let empty = try await account.census()
                        let rooms = "\(workspace.root)/room"
                        try makeDirectory(rooms)
                        try await AWSMachineRoom.with(emulator, cache: workspace.cache, folder: rooms) { room in
                            try await build(room, account)
                            try await exportAgain(account)
                        }
                        try await verify(account, in: workspace.root)
                        try await listAndRemove(account)
                        #expect(try await account.census() == empty)
                    }
                }
                let traces = try await SystemCommandRunner().run(Command("ip", ["netns", "list"]))
                #expect(!traces.contains("ec2-e2e"))
            }
        }

        private func build(_ room: AWSMachineRoom, _ account: AWSAccountOfTest) async throws {
            async let life: Void = room.live(sizeMiB: Self.sizeGiB * 1024)
            let said = try await account.dss(
                "create-vm", "--provider", "aws", "--asset-id", "e2e", "--export-method", "vm-export",
                "--ssh-config", room.sshConfig, "--ssh-cidr", "192.0.2.1/32")
            try #require(said.status.isSuccess, "\(said)")
            try await life
            let kinds = try await account.census()
            #expect(kinds["images"]?.count == 1 && kinds["snapshots"]?.count == 1, "\(kinds)")
            #expect(kinds["instances"] == nil && kinds["key pairs"] == nil, "\(kinds)")
            #expect(!(said.standardError + said.standardOutput).contains(Self.password))
        }

        /// One more format, which AWS does not write, from the same image.
        private func exportAgain(_ account: AWSAccountOfTest) async throws {
            let before = try await account.census()
            let said = try await account.dss(
                "create-vm", "--provider", "aws", "--asset-id", "e2e", "--export-method", "ebs-direct", "--format",
                "vmdk", "--format", "vhd", "--format", "qcow2")
            try #require(said.status.isSuccess, "\(said)")
            let after = try await account.census()
            #expect(after["images"] == before["images"] && after["snapshots"] == before["snapshots"])
            #expect(try #require(after["objects"]).filter { $0.contains("small-e2e.") }.count == 3)
        }

        /// Both ways of export have written the disk that the machine had; `SystemTests` boots one.
        private func verify(_ account: AWSAccountOfTest, in folder: String) async throws {
            let runner = SystemCommandRunner()
            let disks = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/room")
            let disk = try #require(disks.first { $0.hasSuffix(".raw") })
            for ending in ["vmdk", "vhd", "qcow2"] {
                let image = "\(folder)/e2e.\(ending)"
                try await account.download(ending, to: image)
                let compared = try await runner.execute(
                    Command("qemu-img", ["compare", "-f", "raw", "\(folder)/room/\(disk)", image]))
                #expect(compared.status.isSuccess, "\(ending): \(compared)")
            }
        }

        private func listAndRemove(_ account: AWSAccountOfTest) async throws {
            let listed = try await account.dss("show-aws-assets", "--asset-id", "e2e")
            #expect(listed.status.isSuccess && listed.standardOutput.contains("ami-"), "\(listed)")
            let removed = try await account.dss("delete-aws-assets", "--asset-id", "e2e", "--yes")
            #expect(removed.status.isSuccess, "\(removed)")
        }
    }
}

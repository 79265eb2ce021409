import AWSCore
import AWSProvider
import AWSServices
import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

extension ImageSuites {
    @Suite("dss upload-vm")
    struct UploadVMTests {
        @Test("an AMI of the disk with all its attributes, once for any number of runs")
        func whole() async throws {
            try await ImageAccount.with { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                let said = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0", "--json")
                #expect(said.status.isSuccess, "\(said.errors)")
                let image = try #require(try await account.images().first)
                #expect(said.json["image_id"] as? String == image.imageId)
                #expect(image.name == "Exasol-Data-Science-Sandbox-1.0")
                #expect(image.bootMode == "uefi-preferred" && image.imdsSupport == "v2.0" && image.enaSupport == true)
                #expect(image.architecture == "x86_64" && image.virtualizationType == "hvm")
                #expect(image.rootDeviceName == "/dev/sda1" && image.deprecationTime != nil)
                #expect(image.blockDeviceMappings.first?.ebs?.volumeType == "gp3")
                #expect(image.tags.contains(EC2.Tag(key: "exa_dss_id", value: "1.0")))
                let again = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0", "--json")
                #expect(again.json["image_id"] as? String == image.imageId, "\(again.errors)")
                #expect(try await account.count("StartSnapshot") == 1)
                #expect(try await account.count("RegisterImage") == 1)
            }
        }

        @Test("another disk under the same asset id, a name that is taken, and files that are no raw disks are refused")
        func refused() async throws {
            try await ImageAccount.with { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                try await account.dss("upload-vm", disk.path, "--asset-id", "1.0")
                let other = try TestDisk("\(account.home)/other.raw", seed: 2)
                let another = try await account.dss("upload-vm", other.path, "--asset-id", "1.0")
                #expect(another.status == .exited(65))
                #expect(another.errors.contains("dss delete-aws-assets --region eu-central-1 --asset-id '1.0'"))
                let taken = try await account.dss(
                    "upload-vm", other.path, "--asset-id", "2.0", "--name", "Exasol-Data-Science-Sandbox-1.0")
                #expect(taken.status == .exited(65) && taken.errors.contains("is taken"), "\(taken.errors)")
                let qcow2 = "\(account.home)/disk.qcow2"
                let convert = Command("qemu-img", ["convert", "-O", "qcow2", disk.path, qcow2])
                #expect(try await SystemCommandRunner().execute(convert).status.isSuccess)
                let converted = try await account.dss("upload-vm", qcow2, "--asset-id", "3.0")
                #expect(converted.status == .exited(65))
                #expect(converted.errors.contains("qemu-img convert -p -f qcow2 -O raw"), "\(converted.errors)")
                let bare = "\(account.home)/bare"
                try Data(count: 4096).write(to: URL(filePath: bare))
                #expect(try await account.dss("upload-vm", bare, "--asset-id", "3.0").status == .exited(65))
                try await account.set(["quotas": ["L-B665C33B": 1]])
                let full = try await account.dss("upload-vm", other.path, "--asset-id", "3.0")
                #expect(full.status == .exited(75) && full.errors.contains("'AMIs' is exhausted"), "\(full.errors)")
                #expect(try await account.images().count == 1)
                #expect(try await account.snapshots().count == 1)
            }
        }

        static let calls = ["StartSnapshot", "PutSnapshotBlock", "CompleteSnapshot", "RegisterImage"]

        @Test(
            "killed at a call, before or after it took effect: the next run completes with one of each",
            arguments: calls + ["EnableImageDeprecation"], [false, true])
        func killed(at action: String, after: Bool) async throws {
            try await ImageAccount.with { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                // The call hangs, before or after it has taken effect, and the program is killed over it.
                try await account.order(after ? "applied-then-hang" : "hang", action)
                let killed = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0", signal: SIGKILL) {
                    try await account.hasMet(action)
                }
                #expect(killed.code == SIGKILL)
                try await account.clear("faults")
                let said = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0")
                #expect(said.status.isSuccess, "\(said.errors)")
                #expect(try await account.images().count == 1)
                #expect(try await account.images().first?.deprecationTime != nil)
                #expect(try await account.snapshots().count == 1)
            }
        }

        @Test("Ctrl-C leaves nothing behind", arguments: calls + ["AMI"])
        func interrupted(at action: String) async throws {
            try await ImageAccount.with(knobs: ["ami_polls": action == "AMI" ? 1000 : 0]) { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                let call = action == "AMI" ? "RegisterImage" : action
                if action != "AMI" { try await account.order("slow", action, ["seconds": 1, "times": NSNull()]) }
                let said = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0", signal: SIGINT) {
                    try await account.hasMet(call)
                }
                #expect(said.code == 130, "\(said.errors)")
                #expect(try await account.images().isEmpty)
                #expect(try await account.snapshots().isEmpty)
            }
        }

        @Test("a refusal of AWS is reported with its reason, and what was created is removed", arguments: calls)
        func denied(at action: String) async throws {
            try await ImageAccount.with { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                try await account.order("denied", action, ["times": NSNull()])
                let said = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0")
                #expect(said.status == .exited(77) && said.errors.contains(action), "\(said.errors)")
                #expect(try await account.images().isEmpty)
                #expect(try await account.snapshots().isEmpty)
            }
        }

        @Test("a failed AMI reports AWS's reason and leaves nothing behind")
        func failing() async throws {
            try await ImageAccount.with(knobs: ["ami_fail": "the disk cannot be read"]) { account in
                let disk = try TestDisk("\(account.home)/disk.raw")
                let said = try await account.dss("upload-vm", disk.path, "--asset-id", "1.0")
                #expect(said.status == .exited(1) && said.errors.contains("the disk cannot be read"), "\(said.errors)")
                #expect(try await account.images().isEmpty)
                #expect(try await account.snapshots().isEmpty)
            }
        }

        @Test("boot mode and architecture go together")
        func traits() throws {
            #expect(try ImageTraits(.arm64).bootMode == .uefi)
            #expect(try ImageTraits(bootMode: .legacyBIOS).bootMode == .legacyBIOS)
            #expect(throws: Failure.self) { try ImageTraits(.arm64, bootMode: .uefiPreferred) }
        }
    }
}

extension ImageAccount {
    /// Whether a call has arrived, answered or not.
    func hasMet(_ action: String) async throws -> Bool {
        let calls = try await emulator.control([:], .get)["calls"] as? [[String: Any]] ?? []
        return calls.contains { $0["action"] as? String == action }
    }
}

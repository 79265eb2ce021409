import Sandbox
import Workbench

/// The files of an OVA and how they are packed.
struct ApplianceContents: Sendable, Equatable {
    var appliance: Appliance
    var stem: String
    var disk: ConvertedImage
    /// Virtual size of the disk.
    var capacity: Int64
    /// SHA-256 of the descriptor's text.
    var descriptorDigest: String

    var descriptorName: String { "\(stem).ovf" }
    var manifestName: String { "\(stem).mf" }
    var diskName: String { "\(stem)-disk1.vmdk" }

    var descriptor: String {
        OVFDescriptor(appliance: appliance, diskFile: diskName, diskBytes: disk.bytes, capacity: capacity).xml
    }

    /// One line for each file, as `ovftool` and VirtualBox write them.
    var manifest: String {
        """
        SHA256(\(descriptorName))= \(descriptorDigest)
        SHA256(\(diskName))= \(disk.sha256)

        """
    }

    /// The descriptor first, the manifest right behind it, then the disk: the order of DSP0243, and of a reader
    /// that gets the archive as a stream. Owner and time are fixed, so that nobody learns about the builder.
    func pack(workspace: String, output: String) -> Command {
        Command(
            "tar",
            [
                "--create", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644", "--mtime=@0",
                "--file", output, "--directory", workspace, "--", descriptorName, manifestName, diskName,
            ], environment: ["LC_ALL": "C"])
    }
}

import Sandbox

/// Where the partitions of an image lie: BIOS boot, ESP, and the root file system last, so that it can grow.
///
/// Everything begins on a multiple of 1 MiB, which suits every disk's physical sectors; the last MiB is left to
/// the backup GPT, which needs the 33 last sectors (UEFI Specification 2.10, 5.3).
package struct DiskLayout: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var name: String
        package var startMiB: Int
        package var sizeMiB: Int
        /// The partition type's GUID as `sfdisk` takes it.
        package var type: String

        package var startBytes: Int64 { Int64(startMiB) << 20 }
        package var sizeBytes: Int64 { Int64(sizeMiB) << 20 }
        package var startSector: UInt64 { UInt64(startMiB) * DiskLayout.sectorsPerMiB }
    }

    package static let sectorSize = 512
    package static let sectorsPerMiB: UInt64 = 2048
    package static let espMiB = 64
    /// First MiB, BIOS boot partition, ESP, 64 MiB of root and the last MiB.
    package static let minimumMiB = 1 + 1 + espMiB + 64 + 1

    package let sizeMiB: Int

    /// - Throws: `Failure` with code `.badData` where the partitions do not fit.
    package init(sizeMiB: Int) throws {
        guard sizeMiB >= Self.minimumMiB else {
            throw Failure(
                .badData, "a disk of \(sizeMiB) MiB is too small, the least is \(Self.minimumMiB) MiB",
                advice: "set a larger disk size in sandbox.yaml")
        }
        self.sizeMiB = sizeMiB
    }

    package var sizeBytes: Int64 { Int64(sizeMiB) << 20 }

    /// Holds GRUB's core image, because GPT leaves no gap behind the boot sector.
    package var biosBoot: Partition {
        Partition(name: "bios", startMiB: 1, sizeMiB: 1, type: "21686148-6449-6E6F-744E-656564454649")
    }

    package var esp: Partition {
        Partition(name: "ESP", startMiB: 2, sizeMiB: Self.espMiB, type: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
    }

    /// Type "Linux root (x86-64)" of the Discoverable Partitions Specification.
    package var root: Partition {
        let start = esp.startMiB + esp.sizeMiB
        return Partition(
            name: "root", startMiB: start, sizeMiB: sizeMiB - start - 1, type: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")
    }

    package var partitions: [Partition] { [biosBoot, esp, root] }

    /// The partition table as `sfdisk` reads it.
    package var sfdiskScript: String {
        (["label: gpt"]
            + partitions.map {
                "start=\($0.startMiB)MiB, size=\($0.sizeMiB)MiB, type=\($0.type), name=\($0.name)"
            }).joined(separator: "\n") + "\n"
    }
}

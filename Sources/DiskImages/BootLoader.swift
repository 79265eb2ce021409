import FoundationEssentials
import Sandbox
import Workbench

/// GRUB for both kinds of firmware, with all modules built in, so that nothing of it has to lie on the root.
package struct BootLoader: Sendable, Equatable {
    package enum Platform: String, Sendable {
        case bios = "i386-pc"
        case uefi = "x86_64-efi"

        var package: String { self == .bios ? "grub-pc-bin" : "grub-efi-amd64-bin" }
    }

    /// Directory with GRUB's platform directories, such as `/usr/lib/grub`.
    package var directories: [Platform: String]

    /// Prefers the files of the system in the image, whose version fits the modules it may load later.
    /// - Throws: `Failure` with code `.unavailable` that names the missing packages.
    package init(root: String, host: String = "/usr/lib/grub") throws {
        directories = [:]
        var missing: [String] = []
        for platform in [Platform.bios, .uefi] {
            let found = ["\(root)/usr/lib/grub", host].map { "\($0)/\(platform.rawValue)" }
                .first { fileExists("\($0)/moddep.lst") }
            if let found { directories[platform] = found } else { missing.append(platform.package) }
        }
        guard missing.isEmpty else {
            throw Failure(
                .unavailable, "GRUB's files are missing in the image and on this machine",
                advice: "sudo apt-get install \(missing.joined(separator: " "))")
        }
    }

    /// What GRUB runs first: it finds the root by its label and goes on with the configuration there.
    package static let earlyConfig = """
        search --no-floppy --label root --set=root
        set prefix=($root)/boot/grub
        configfile $prefix/grub.cfg

        """

    static let modules = [
        "part_gpt", "part_msdos", "ext2", "fat", "normal", "configfile", "linux", "search", "search_label",
        "search_fs_uuid", "serial", "terminal", "echo", "test", "true", "ls", "cat", "all_video", "gzio", "halt",
        "reboot", "boot", "minicmd", "sleep", "loadenv",
    ]

    package func makeImage(for platform: Platform, config: String, output: String) -> Command {
        let format = platform == .bios ? "i386-pc" : "x86_64-efi"
        let own = platform == .bios ? ["biosdisk"] : ["efi_gop"]
        return Command(
            "grub-mkimage",
            [
                "-O", format, "-d", directories[platform] ?? "", "-p", "/boot/grub", "-c", config, "-o", output,
            ] + Self.modules + own, environment: ["LC_ALL": "C"])
    }

    /// Fills the ESP in place; mtools takes an offset behind `@@`, so nothing is mounted.
    package static func espCommands(
        disk: String, partition: DiskLayout.Partition, loader: String
    ) -> [Command] {
        let target = "\(disk)@@\(partition.startMiB)M"
        let environment: [String: String?] = ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C"]
        let sectors = UInt64(partition.sizeMiB) * DiskLayout.sectorsPerMiB
        return [
            Command(
                "mformat", ["-i", target, "-F", "-v", partition.name, "-T", "\(sectors)", "::"],
                environment: environment),
            Command("mmd", ["-i", target, "::EFI", "::EFI/BOOT"], environment: environment),
            // The name that firmware looks for on a disk it has no boot entry for (UEFI Specification 2.10, 3.5.1.1).
            Command("mcopy", ["-i", target, loader, "::EFI/BOOT/BOOTX64.EFI"], environment: environment),
        ]
    }
}

/// Puts GRUB's BIOS stages where firmware and each other find them, as `grub-install` would on a mounted disk.
///
/// Offsets are those of GRUB 2.06 and 2.12, `include/grub/i386/pc/boot.h` and `include/grub/offsets.h`; what is
/// done with them follows `util/setup.c`. They are part of an interface between GRUB's own stages and have not
/// moved since GRUB 1.96, and what stands there is checked before it is overwritten.
package enum BootCode {
    /// `GRUB_BOOT_MACHINE_KERNEL_SECTOR`: 64-bit number of the sector from which boot.img loads the core image.
    static let kernelSectorOffset = 0x5c
    /// `GRUB_BOOT_MACHINE_DRIVE_CHECK`: a jump over the code that mistrusts the drive number given by the BIOS.
    static let driveCheckOffset = 0x66
    /// Boot code ends where the disk signature begins (`GRUB_BOOT_MACHINE_WINDOWS_NT_MAGIC`).
    static let codeLength = 0x1b8
    /// The first block list of diskboot.img stands in the last 12 bytes of its sector
    /// (`struct grub_pc_bios_boot_blocklist`: 64-bit start, 16-bit length, 16-bit segment).
    static let blockListOffset = DiskLayout.sectorSize - 12
    /// Real-mode segment behind diskboot.img: `GRUB_BOOT_I386_PC_KERNEL_SEG` (0x800) plus one sector.
    static let kernelSegment: UInt16 = 0x820

    /// The first sector of the disk: boot.img's code in front of the partition table that is already there.
    package static func bootSector(bootImage: [UInt8], over current: [UInt8], coreSector: UInt64) throws -> [UInt8] {
        guard bootImage.count == DiskLayout.sectorSize, current.count == DiskLayout.sectorSize else {
            throw unexpected("boot.img has \(bootImage.count) bytes instead of \(DiskLayout.sectorSize)")
        }
        guard bootImage[driveCheckOffset] == 0xeb else {
            throw unexpected("boot.img has no jump at offset \(driveCheckOffset)")
        }
        var sector = Array(bootImage[..<codeLength] + current[codeLength...])
        put(coreSector, into: &sector, at: kernelSectorOffset)
        // As setup.c does for hard disks: without the jump, a drive number that is no hard disk's is replaced.
        sector[driveCheckOffset] = 0x90
        sector[driveCheckOffset + 1] = 0x90
        return sector
    }

    /// The core image as it stands in the BIOS boot partition: its first sector knows where the others are.
    package static func coreImage(_ core: [UInt8], at partition: DiskLayout.Partition) throws -> [UInt8] {
        guard core.count > DiskLayout.sectorSize else {
            throw unexpected("the core image has \(core.count) bytes only")
        }
        guard Int64(core.count) <= partition.sizeBytes else {
            throw unexpected(
                "the core image has \(core.count) bytes and the BIOS boot partition \(partition.sizeBytes)")
        }
        let rest = (core.count - 1) / DiskLayout.sectorSize
        guard get(core, at: blockListOffset + 8) == UInt16(rest),
            get(core, at: blockListOffset + 10) == kernelSegment
        else { throw unexpected("the core image has no block list of \(rest) sectors at offset \(blockListOffset)") }
        var patched = core
        put(partition.startSector + 1, into: &patched, at: blockListOffset)
        return patched
    }

    private static func put(_ value: UInt64, into bytes: inout [UInt8], at offset: Int) {
        for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }

    private static func get(_ bytes: [UInt8], at offset: Int) -> UInt16 {
        UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
    }

    private static func unexpected(_ what: String) -> Failure {
        Failure(
            .badData, "these GRUB files cannot be used: \(what)",
            advice: "reinstall the packages grub-pc-bin and grub-common")
    }
}

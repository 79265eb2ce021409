import FoundationEssentials
import Sandbox
import Workbench

/// GRUB for BIOS and UEFI, with all modules built in, so that booting needs no GRUB modules on the root file system.
package struct BootLoader: Sendable, Equatable {
    package enum Platform: String, Sendable {
        case bios = "i386-pc"
        case uefi = "x86_64-efi"

        var package: String { self == .bios ? "grub-pc-bin" : "grub-efi-amd64-bin" }
    }

    /// GRUB's module directory for each platform, such as `/usr/lib/grub/i386-pc`.
    package var directories: [Platform: String]

    /// Finds GRUB's files. Those in the image are preferred, because their version matches the modules it may load
    /// later.
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
                .unavailable, "no GRUB files in the image or on this host",
                advice: "sudo apt-get install \(missing.joined(separator: " "))")
        }
    }

    /// GRUB's embedded configuration: it finds the root file system by its label and loads the configuration there.
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

    /// Commands that fill the ESP in place; mtools takes an offset after `@@`, so nothing is mounted.
    ///
    /// They run in the disk's directory, because mtools passes a path with certain characters to a shell, which would
    /// replace `$NAME` and run `$(…)`, and takes the first `@@` in it as the start of the offset.
    package static func espCommands(
        disk: String, partition: DiskLayout.Partition, loader: String
    ) -> [Command] {
        let (folder, target) = (parentDirectory(disk), "\(baseName(disk))@@\(partition.startMiB)M")
        let environment: [String: String?] = [
            // Neither the settings of the user, nor his time zone, in which FAT has its times.
            "HOME": "/", "TZ": "UTC0", "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C",
        ]
        let sectors = UInt64(partition.sizeMiB) * DiskLayout.sectorsPerMiB
        return [
            Command(
                "mformat", ["-i", target, "-F", "-v", partition.name, "-T", "\(sectors)", "::"],
                environment: environment, workingDirectory: folder),
            Command("mmd", ["-i", target, "::EFI", "::EFI/BOOT"], environment: environment, workingDirectory: folder),
            // The file that firmware looks for on a disk without a boot entry (UEFI Specification 2.10, 3.5.1.1).
            Command(
                "mcopy", ["-i", target, loader, "::EFI/BOOT/BOOTX64.EFI"], environment: environment,
                workingDirectory: folder),
        ]
    }
}

/// Prepares GRUB's BIOS stages so that the firmware and the stages find each other, as `grub-install` does on a mounted
/// disk.
///
/// Offsets are those of GRUB 2.06 and 2.12, `include/grub/i386/pc/boot.h` and `include/grub/offsets.h`; their
/// use follows `util/setup.c`. They are the interface between GRUB's own stages and have not moved since GRUB 1.96.
/// The existing bytes are checked before they are overwritten.
package enum BootCode {
    /// `GRUB_BOOT_MACHINE_KERNEL_SECTOR`: the 64-bit sector number from which boot.img loads the core image.
    static let kernelSectorOffset = 0x5c
    /// `GRUB_BOOT_MACHINE_DRIVE_CHECK`: a jump over the code that checks the drive number given by the BIOS.
    static let driveCheckOffset = 0x66
    /// The boot code ends where the disk signature starts (`GRUB_BOOT_MACHINE_WINDOWS_NT_MAGIC`).
    static let codeLength = 0x1b8
    /// The first block list of diskboot.img is in the last 12 bytes of its sector
    /// (`struct grub_pc_bios_boot_blocklist`: 64-bit start, 16-bit length, 16-bit segment).
    static let blockListOffset = DiskLayout.sectorSize - 12
    /// Real-mode segment after diskboot.img: `GRUB_BOOT_I386_PC_KERNEL_SEG` (0x800) plus one sector.
    static let kernelSegment: UInt16 = 0x820

    /// The first sector of the disk: boot.img's code, followed by the existing partition table.
    package static func bootSector(bootImage: [UInt8], over current: [UInt8], coreSector: UInt64) throws -> [UInt8] {
        guard bootImage.count == DiskLayout.sectorSize, current.count == DiskLayout.sectorSize else {
            throw unexpected("boot.img has \(bootImage.count) bytes instead of \(DiskLayout.sectorSize)")
        }
        guard bootImage[driveCheckOffset] == 0xeb else {
            throw unexpected("boot.img has no jump at offset \(driveCheckOffset)")
        }
        var sector = Array(bootImage[..<codeLength] + current[codeLength...])
        put(coreSector, into: &sector, at: kernelSectorOffset)
        // As in setup.c for hard disks: without the jump, the code replaces a drive number that is not a hard disk's.
        sector[driveCheckOffset] = 0x90
        sector[driveCheckOffset + 1] = 0x90
        return sector
    }

    /// The core image for the BIOS boot partition: its first sector contains the location of the others.
    package static func coreImage(_ core: [UInt8], at partition: DiskLayout.Partition) throws -> [UInt8] {
        guard core.count > DiskLayout.sectorSize else {
            throw unexpected("the core image has only \(core.count) bytes")
        }
        guard Int64(core.count) <= partition.sizeBytes else {
            throw unexpected(
                "the core image has \(core.count) bytes, but the BIOS boot partition has \(partition.sizeBytes)")
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
            .badData, "unsupported GRUB files: \(what)",
            advice: "reinstall the packages grub-pc-bin and grub-common")
    }
}

import Sandbox

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

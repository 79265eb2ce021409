import FoundationEssentials
import Glibc
import Testing
import Workbench

@testable import DiskImages

/// A root directory with one file of each type, and GRUB as the only program.
enum SmallRoot {
    static let marker = "DSS-BOOT-MARKER"

    static func make(in directory: String) throws -> String {
        let root = "\(directory)/root"
        for path in ["boot/grub", "etc", "bin", "dev", "empty"] { try makeDirectory("\(root)/\(path)") }
        chmod(root, 0o755)
        // Halts if the firmware supports it, so that QEMU ends; otherwise the machine waits.
        try write(
            """
            serial --unit=0 --speed=115200
            terminal_output serial console
            echo \(marker)-$grub_platform
            sleep 600

            """, "\(root)/boot/grub/grub.cfg")
        try write("small\n", "\(root)/etc/hostname")
        try write("x\n", "\(root)/etc/secret", mode: 0o600)
        try write("#!/bin/sh\n", "\(root)/bin/tool")
        chmod("\(root)/bin/tool", 0o4755)
        #expect(symlink("boot/vmlinuz-1", "\(root)/vmlinuz") == 0)
        #expect(link("\(root)/etc/hostname", "\(root)/etc/hardlink") == 0)
        // Incompressible content, so that the conversions have work to do.
        var state: UInt64 = 42
        let noise = (0..<(3 << 17)).map { _ -> UInt64 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
        try createSparse("\(root)/noise", bytes: 3 << 20)
        try writeBytes(noise.withUnsafeBytes { Array($0) }, to: "\(root)/noise", at: 0)
        try createSparse("\(root)/sparse", bytes: 1 << 30)
        if getuid() == 0 {
            #expect(chown("\(root)/etc/secret", 1000, 1001) == 0)
            #expect(mknod("\(root)/dev/null", S_IFCHR | 0o666, 0x103) == 0)
            #expect(setExtendedAttribute("\(root)/etc/hostname", "user.note", "hello", 5, 0) == 0)
        }
        return root
    }
}

/// setxattr(2), which the Glibc module does not provide.
@_silgen_name("setxattr")
private func setExtendedAttribute(
    _ path: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>, _ size: Int,
    _ flags: Int32
) -> Int32

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

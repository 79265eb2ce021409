import FoundationEssentials
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

/// Building the base system of images takes about a minute, so this test runs only on request.
@Suite(
    .enabled(
        if: Lab.isReady && ProcessInfo.processInfo.environment["DSS_SLOW_TESTS"] != nil,
        "needs root, the tools and DSS_SLOW_TESTS=1"))
struct FullBaseTests {
    @Test func aBaseCarriesTheDriversOfAllHypervisorsAndNothingOfTheBuild() async throws {
        let factory = await Lab.factory(cache: "\(Lab.directory)/full")
        let stopwatch = Stopwatch(ContinuousClock())
        try await withUndo { undo in
            let machine = try await factory.start(
                MachinePlan(assetID: AssetID("full base"), base: .init()), in: Scope(undo))
            print("full base: started after \(stopwatch.seconds) s")
            let failed = try await Lab.run(
                "systemctl is-system-running --wait; systemctl --failed --plain --no-legend", on: machine)
            #expect(failed == "running")
            #expect(try await Lab.run("systemd-analyze | head -2", on: machine) != "")
            print(try await Lab.run("systemd-analyze; systemd-analyze blame | head -12", on: machine))
            let modules = try await Lab.run("lsinitramfs $(readlink -f /initrd.img)", on: machine)
            for driver in [
                "ahci", "ata_piix", "nvme", "virtio_blk", "virtio_scsi", "vmw_pvscsi", "mptspi", "hv_storvsc", "e1000",
                "e1000e", "vmxnet3", "virtio_net", "ena", "ext4", "xen-blkfront", "sd_mod",
            ] {
                let isThere = modules.contains("/\(driver).ko")
                #expect(isThere, "\(driver) is in the initial RAM disk")
            }
            let hasChecker = modules.contains("fsck.ext4")
            #expect(hasChecker)
            let root = try await factory.halt(machine, events: { _ in })
            print("full base: \(try await factory.runner.diskUsage(of: [root]) >> 20) MiB")
            for gone in [
                "etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "etc/ssh/ssh_host_ed25519_key",
                "etc/ssh/ssh_host_rsa_key", "loaded", "usr/sbin/update-initramfs.later", "usr/sbin/policy-rc.d",
                "run/dss",
            ] {
                #expect(!fileExists("\(root)/\(gone)"), "\(gone)")
            }
            for there in ["vmlinuz", "initrd.img", "boot/grub/grub.cfg", "boot/efi", "etc/fstab", "etc/default/grub"] {
                #expect(fileExists("\(root)/\(there)"), "\(there)")
            }
            #expect(try readText("\(root)/usr/sbin/update-initramfs").contains("mkinitramfs"))
        }
    }
}

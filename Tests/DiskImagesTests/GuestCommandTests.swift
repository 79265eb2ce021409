import Sandbox
import Testing
import Workbench

@testable import DiskImages

struct GuestCommandTests {
    private func words(_ hardware: Hardware, _ accelerator: Accelerator = .tcg) throws -> String {
        let firmware = UEFIFirmware(code: "/fw/CODE.fd", variables: "/fw/VARS.fd")
        return GuestCommand(
            name: GuestName(starter: "7.8", hardware: hardware.rawValue, guest: "first", assetID: "6.1.0"),
            hardware: hardware, accelerator: accelerator, image: try QemuBlockNode(path: "/i.vmdk", format: .vmdk),
            memoryMiB: 2048, ports: [.init(host: 1001, guest: 22), .init(host: 1002, guest: 49494)], directory: "/d",
            firmware: hardware.firmware == .uefi ? firmware : nil
        ).command.shellLine
    }

    /// machine, firmware options, disk, network adapter, and the following options
    @Test(arguments: [
        (
            Hardware.virtualbox, "pc", "",
            "-device ich9-ahci,id=ahci -device ide-hd,bus=ahci.0,drive=disk,bootindex=0", "e1000", ""
        ),
        (.vmware, "pc", "", "-device pvscsi,id=scsi -device scsi-hd,bus=scsi.0,drive=disk,bootindex=0", "vmxnet3", ""),
        (.hyperv, "pc", "", "-device ide-hd,bus=ide.0,drive=disk,bootindex=0", "e1000", ""),
        (
            .qemu, "q35,smm=off", "", "-device virtio-blk-pci,drive=disk,bootindex=0", "virtio-net-pci",
            "-device virtio-rng-pci "
        ),
        (
            .qemuUEFI, "q35,smm=off",
            "-drive if=pflash,unit=0,format=raw,readonly=on,file=/fw/CODE.fd "
                + "-drive if=pflash,unit=1,format=raw,file=/d/VARS.fd ",
            "-device virtio-blk-pci,drive=disk,bootindex=0", "virtio-net-pci", "-device virtio-rng-pci "
        ),
        (.ec2, "q35,smm=off", "", "-device nvme,serial=dss,drive=disk,bootindex=0", "e1000e", ""),
    ])
    func commandLines(
        hardware: Hardware, machine: String, firmware: String, disk: String, adapter: String, rest: String
    ) throws {
        #expect(
            try words(hardware)
                == "LC_ALL=C TMPDIR=/d qemu-system-x86_64 -name dss-verify-7.8/\(hardware.rawValue)/first/6.1.0 "
                + "-no-user-config -nodefaults -machine \(machine) -accel tcg,thread=multi -cpu max -smp 2 -m 2048 "
                + "-rtc base=utc \(firmware)"
                + "-drive if=none,id=disk,snapshot=on,cache=unsafe,driver=vmdk,file.driver=file,file.filename=/i.vmdk "
                + "\(disk) -netdev user,id=net,hostfwd=tcp:127.0.0.1:1001-:22,hostfwd=tcp:127.0.0.1:1002-:49494 "
                + "-device \(adapter),netdev=net,romfile= \(rest)-display none -device VGA "
                + "-serial file:/d/console.log -daemonize -pidfile /d/qemu.pid -D /d/qemu.log -d guest_errors")
    }

    @Test func withKVM() throws {
        #expect(try words(.qemu, .kvm).contains("-accel kvm -cpu host "))
    }

    @Test(
        arguments: [
            (["-pidfile", "/var/tmp/dss.aB3/qemu.pid"], "/var/tmp/dss.aB3"),
            (["-pidfile", "/var/tmp/x/qemu.pid"], nil),
            (["-pidfile", "/qemu.pid"], nil), (["-pidfile", "dss.a/qemu.pid"], nil), (["-pidfile"], nil), ([], nil),
        ] as [([String], String?)])
    func onlyAGuestsOwnDirectoryIsRemoved(words: [String], directory: String?) {
        #expect(LeftoverGuests.directory(commandLine: words) == directory)
    }

    @Test func hardwareNames() async throws {
        #expect(Hardware.allCases.map(\.rawValue) == ["virtualbox", "vmware", "hyperv", "qemu", "qemu-uefi", "ec2"])
        #expect(try Hardware(named: "qemu-uefi") == .qemuUEFI)
        let failure = await failure { _ = try Hardware(named: "xen") }
        #expect(failure?.code == .usage)
        #expect(failure?.advice == "choose one of virtualbox, vmware, hyperv, qemu, qemu-uefi, ec2")
    }

    @Test func namesTellWhoStartedTheGuest() throws {
        let name = GuestName(starter: GuestName.ownStarter, hardware: "vmware", guest: "a/b,c", assetID: "my asset")
        #expect("\(name)".hasSuffix("/vmware/a_b_c/my asset"))
        let parsed = try #require(GuestName(parsing: "\(name)"))
        #expect(parsed == name)
        #expect(parsed.starterLives)
        #expect(!GuestName(starter: "1.99999999999", hardware: "", guest: "", assetID: "").starterLives)
        #expect(GuestName(parsing: "dss-verify-1.2/a/b") == nil)
        #expect(
            LeftoverGuests.name(commandLine: ["/usr/bin/qemu-system-x86_64", "-name", "\(name)", "-m", "1"]) == name)
        #expect(LeftoverGuests.name(commandLine: ["grep", "-name", "\(name)"]) == nil)
        #expect(LeftoverGuests.name(commandLine: ["qemu-system-x86_64", "-name"]) == nil)
    }

    private func failure(_ body: () throws -> Void) async -> Failure? { await DiskImagesTests.failure(of: body) }
}

import Glibc
import Sandbox
import Workbench

/// The QEMU command line of one guest.
package struct GuestCommand: Sendable, Equatable {
    package var name: GuestName
    package var hardware: Hardware
    package var accelerator: Accelerator
    package var image: QemuBlockNode
    package var memoryMiB: Int
    /// Ports on 127.0.0.1 that are forwarded to ports of the guest.
    package var ports: [PortForward]
    /// Directory for the guest's files: console, log, pid file, firmware variables, written blocks.
    package var directory: String
    package var firmware: UEFIFirmware?
    package var processors = 2
    /// Whether the guest writes to `image` itself, not to a temporary file.
    package var keepsWrites = false
    var powerButton: PowerButton?

    package struct PortForward: Sendable, Equatable {
        package var host: Int
        package var guest: Int
    }

    package var consoleLog: String { "\(directory)/console.log" }
    /// Log of QEMU itself.
    package var log: String { "\(directory)/qemu.log" }
    package var pidFile: String { "\(directory)/qemu.pid" }
    package var variables: String { "\(directory)/VARS.fd" }

    /// With `-daemonize`, QEMU returns after the machine is created and its ports are bound, so the exit status shows
    /// whether that worked. `-D` keeps later messages, which would go to standard error.
    package var command: Command {
        var words = ["-name", "\(name)", "-no-user-config", "-nodefaults"]
        words += ["-machine", machine, "-accel", accelerator.option, "-cpu", accelerator.cpu]
        words += ["-smp", "\(processors)", "-m", "\(memoryMiB)", "-rtc", "base=utc"]
        words += firmwareOptions + disk + network + random + (powerButton?.options ?? [])
        words += ["-display", "none", "-device", "VGA", "-serial", "file:\(QemuBlockNode.escaped(consoleLog))"]
        words += ["-daemonize", "-pidfile", pidFile, "-D", log, "-d", "guest_errors"]
        // TMPDIR: directory for the unlinked file with the blocks written by the guest.
        return Command("qemu-system-x86_64", words, environment: ["TMPDIR": directory, "LC_ALL": "C"])
    }

    private var machine: String {
        switch hardware {
        case .virtualbox, .vmware, .hyperv: "pc"
        case .qemu, .qemuUEFI, .ec2: "q35,smm=off"
        }
    }

    private var disk: [String] {
        let device =
            switch hardware {
            case .virtualbox: ["-device", "ich9-ahci,id=ahci", "-device", "ide-hd,bus=ahci.0,drive=disk,bootindex=0"]
            case .vmware: ["-device", "pvscsi,id=scsi", "-device", "scsi-hd,bus=scsi.0,drive=disk,bootindex=0"]
            case .hyperv: ["-device", "ide-hd,bus=ide.0,drive=disk,bootindex=0"]
            case .qemu, .qemuUEFI: ["-device", "virtio-blk-pci,drive=disk,bootindex=0"]
            case .ec2: ["-device", "nvme,serial=dss,drive=disk,bootindex=0"]
            }
        // snapshot: the image is opened read-only.
        let writes = keepsWrites ? "cache=writeback" : "snapshot=on,cache=unsafe"
        return ["-drive", "if=none,id=disk,\(writes),\(image.options)"] + device
    }

    private var network: [String] {
        let adapter =
            switch hardware {
            case .virtualbox, .hyperv: "e1000"
            case .vmware: "vmxnet3"
            case .qemu, .qemuUEFI: "virtio-net-pci"
            case .ec2: "e1000e"
            }
        let forwards = ports.map { ",hostfwd=tcp:127.0.0.1:\($0.host)-:\($0.guest)" }.joined()
        // No ROM: the machine must boot from its disk and not from the network.
        return ["-netdev", "user,id=net\(forwards)", "-device", "\(adapter),netdev=net,romfile="]
    }

    private var random: [String] {
        hardware == .qemu || hardware == .qemuUEFI ? ["-device", "virtio-rng-pci"] : []
    }

    private var firmwareOptions: [String] {
        guard let firmware else { return [] }
        return [
            "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(QemuBlockNode.escaped(firmware.code))",
            "-drive", "if=pflash,unit=1,format=raw,file=\(QemuBlockNode.escaped(variables))",
        ]
    }
}

/// The virtual hardware to boot an image on, each as close to a hypervisor's default as QEMU can emulate.
package enum Hardware: String, Sendable, Codable, CaseIterable {
    /// AHCI and an Intel 82540EM, VirtualBox's defaults for 64-bit Linux.
    case virtualbox
    /// Paravirtual SCSI and vmxnet3.
    case vmware
    /// Generation 1: IDE. QEMU emulates no Hyper-V network adapter, so an e1000 is used instead.
    case hyperv
    /// virtio, booted with BIOS.
    case qemu
    /// virtio, booted with UEFI.
    case qemuUEFI = "qemu-uefi"
    /// NVMe as on Nitro instances. QEMU emulates no ENA adapter, so an e1000e is used instead.
    case ec2

    package enum Firmware: String, Sendable, Codable {
        case bios = "BIOS"
        case uefi = "UEFI"
    }

    package var firmware: Firmware { self == .qemuUEFI ? .uefi : .bios }

    /// The hardware that a format is most likely used on.
    package static func usual(for format: ImageFormat) -> Hardware {
        switch format {
        case .vhd, .vhdFixed: .hyperv
        // Generation 2 boots by UEFI.
        case .vhdx: .qemuUEFI
        case .vmdk, .vmdkSparse: .vmware
        case .ova: .virtualbox
        case .raw, .qcow2, .gcp: .qemu
        }
    }

    /// - Throws: `Failure` with code `.usage` that lists the valid names.
    package init(named name: String) throws {
        guard let hardware = Hardware(rawValue: name) else {
            throw Failure(
                .usage, "unknown hardware '\(name)'",
                advice: "choose one of \(Hardware.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = hardware
    }
}

/// The files of OVMF: the firmware code, which is shared, and the variable store, of which each guest gets a copy.
package struct UEFIFirmware: Sendable, Equatable {
    package var code: String
    package var variables: String

    /// Paths on Debian and Ubuntu, Fedora, Arch and openSUSE. These are the files without Secure Boot, because the boot
    /// loader of the image is not signed.
    static let candidates = [
        UEFIFirmware(code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        UEFIFirmware(code: "/usr/share/OVMF/OVMF_CODE.fd", variables: "/usr/share/OVMF/OVMF_VARS.fd"),
        UEFIFirmware(code: "/usr/share/edk2/ovmf/OVMF_CODE.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        UEFIFirmware(code: "/usr/share/edk2/x64/OVMF_CODE.4m.fd", variables: "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
        UEFIFirmware(
            code: "/usr/share/qemu/ovmf-x86_64-code.bin", variables: "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ]

    package init(code: String, variables: String) {
        self.code = code
        self.variables = variables
    }

    /// - Throws: `Failure` with code `.unavailable` that names the package to install.
    package static func installed() throws -> UEFIFirmware {
        guard let found = candidates.first(where: { fileExists($0.code) && fileExists($0.variables) }) else {
            throw Failure(
                .unavailable, "the UEFI firmware for virtual machines (OVMF) is not installed",
                advice: "sudo apt-get install ovmf")
        }
        return found
    }
}

/// The name that identifies a guest's process: its starter, its hardware and its asset.
///
/// It appears in the process list as `-name dss-verify-PID.START/HARDWARE/GUEST/ASSET`; pid and start time show whether
/// the starter is still running.
package struct GuestName: Sendable, Equatable, CustomStringConvertible {
    static let prefix = "dss-verify-"

    package var starter: String
    package var hardware: String
    package var guest: String
    package var assetID: String

    package init(starter: String, hardware: String, guest: String, assetID: String) {
        self.starter = starter
        self.hardware = Self.clean(hardware)
        self.guest = Self.clean(guest)
        self.assetID = Self.clean(assetID)
    }

    package init?(parsing text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let fields = text.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard fields.count == 4 else { return nil }
        self.init(
            starter: String(fields[0]), hardware: String(fields[1]), guest: String(fields[2]),
            assetID: String(fields[3]))
    }

    package var description: String { "\(Self.prefix)\(starter)/\(hardware)/\(guest)/\(assetID)" }

    /// The starter value of this process.
    static var ownStarter: String { BackgroundProcess(pid: getpid()).map(starter(of:)) ?? "\(getpid()).0" }

    static func starter(of process: BackgroundProcess) -> String { "\(process.pid).\(process.startTime)" }

    var starterLives: Bool {
        guard let pid = starter.split(separator: ".").first.flatMap({ Int32($0) }),
            let process = BackgroundProcess(pid: pid)
        else { return false }
        return Self.starter(of: process) == starter
    }

    /// Replaces commas, which separate QEMU's options, and slashes, which separate the fields.
    private static func clean(_ text: String) -> String {
        String(text.map { $0 == "," || $0 == "/" || $0.isNewline ? "_" : $0 })
    }
}

import Sandbox
import Workbench

/// The command line of one guest.
package struct GuestCommand: Sendable, Equatable {
    package var name: GuestName
    package var hardware: Hardware
    package var accelerator: Accelerator
    package var image: ImageNode
    package var memoryMiB: Int
    /// Ports on 127.0.0.1 and the guest's ports that they lead to.
    package var ports: [PortForward]
    /// Where the guest's own files lie: console, log, pid, firmware variables, written blocks.
    package var directory: String
    package var firmware: UEFIFirmware?

    package struct PortForward: Sendable, Equatable {
        package var host: Int
        package var guest: Int
    }

    package var consoleLog: String { "\(directory)/console.log" }
    /// What QEMU itself has to say.
    package var log: String { "\(directory)/qemu.log" }
    package var pidFile: String { "\(directory)/qemu.pid" }
    package var variables: String { "\(directory)/VARS.fd" }

    /// `-daemonize` returns once the machine is complete and its ports are bound, so the exit status tells whether
    /// that worked; `-D` keeps what is said on standard error later.
    package var command: Command {
        var words = ["-name", "\(name)", "-no-user-config", "-nodefaults"]
        words += ["-machine", machine, "-accel", accelerator.option, "-cpu", accelerator.cpu]
        words += ["-smp", "2", "-m", "\(memoryMiB)", "-rtc", "base=utc"]
        words += firmwareOptions + disk + network + random
        words += ["-display", "none", "-device", "VGA", "-serial", "file:\(ImageNode.escaped(consoleLog))"]
        words += ["-daemonize", "-pidfile", pidFile, "-D", log, "-d", "guest_errors"]
        // TMPDIR: where QEMU puts the blocks that the guest writes, in a file without a name.
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
        // snapshot: the image is opened for reading only.
        return ["-drive", "if=none,id=disk,snapshot=on,cache=unsafe,\(image.options)"] + device
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
        // No ROM: the machine must start from its disk, not from a network.
        return ["-netdev", "user,id=net\(forwards)", "-device", "\(adapter),netdev=net,romfile="]
    }

    private var random: [String] {
        hardware == .qemu || hardware == .qemuUEFI ? ["-device", "virtio-rng-pci"] : []
    }

    private var firmwareOptions: [String] {
        guard let firmware else { return [] }
        return [
            "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(ImageNode.escaped(firmware.code))",
            "-drive", "if=pflash,unit=1,format=raw,file=\(ImageNode.escaped(variables))",
        ]
    }
}

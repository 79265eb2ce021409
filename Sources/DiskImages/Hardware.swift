import Sandbox

/// The virtual hardware that an image is booted on, each as close to a hypervisor's default as QEMU emulates it.
package enum Hardware: String, Sendable, Codable, CaseIterable {
    /// AHCI and Intel 82540EM, VirtualBox's defaults for 64-bit Linux.
    case virtualbox
    /// Paravirtual SCSI and vmxnet3.
    case vmware
    /// Generation 1: IDE. QEMU emulates no Hyper-V network adapter, so an e1000 stands in for it.
    case hyperv
    /// virtio, started by a BIOS.
    case qemu
    /// virtio, started by UEFI.
    case qemuUEFI = "qemu-uefi"
    /// NVMe as on Nitro instances. QEMU emulates no ENA adapter, so an e1000e stands in for it.
    case ec2

    package enum Firmware: String, Sendable, Codable {
        case bios = "BIOS"
        case uefi = "UEFI"
    }

    package var firmware: Firmware { self == .qemuUEFI ? .uefi : .bios }

    /// The hardware on which people will most likely use a format.
    package static func usual(for format: ImageFormat) -> Hardware {
        switch format {
        case .vhd: .hyperv
        case .vmdk: .vmware
        case .ova: .virtualbox
        case .raw, .qcow2: .qemu
        }
    }

    /// - Throws: `Failure` with code `.usage` that names all there are.
    package init(named name: String) throws {
        guard let hardware = Hardware(rawValue: name) else {
            throw Failure(
                .usage, "there is no hardware '\(name)'",
                advice: "choose one of \(Hardware.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = hardware
    }
}

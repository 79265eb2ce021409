/// A disk-image format that a release may carry.
package enum ImageFormat: String, Sendable, Codable, CaseIterable, Hashable {
    case vhd
    case vmdk
    case raw
    case qcow2
    case ova

    /// The ending of the exported file.
    package var fileExtension: String { rawValue }

    /// The people a format is for, in words for tables and the release notes.
    package var purpose: String {
        switch self {
        case .vhd: "Hyper-V, Azure, VirtualBox"
        case .vmdk: "VMware, VirtualBox, AWS import"
        case .raw: "dd, cloud providers"
        case .qcow2: "QEMU, libvirt, OpenStack"
        case .ova: "VMware and VirtualBox, with the machine's settings"
        }
    }
}

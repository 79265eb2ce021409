/// What runs the guest's instructions.
package enum Accelerator: String, Sendable, Codable {
    case kvm
    /// QEMU's emulation: slow, and works everywhere.
    case tcg

    var option: String { self == .kvm ? "kvm" : "tcg,thread=multi" }
    var cpu: String { self == .kvm ? "host" : "max" }
}

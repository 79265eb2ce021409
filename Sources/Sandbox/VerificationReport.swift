/// What booting an exported image on one kind of virtual hardware has shown.
package struct VerificationReport: Sendable, Equatable, Codable {
    /// Path of the image that was booted.
    package var image: String
    /// The virtual hardware it was booted on: `virtualbox`, `vmware`, `hyperv`, `qemu`, `ec2`.
    package var hardware: String
    /// `kvm`, or `tcg` where the processor was emulated.
    package var accelerator: String
    package var checks: [CheckResult]

    /// Whether nothing failed and anything was checked at all: an empty list proves nothing.
    package var passed: Bool {
        checks.contains { $0.outcome == .passed } && !checks.contains { $0.outcome == .failed }
    }

    package init(image: String, hardware: String, accelerator: String, checks: [CheckResult]) {
        self.image = image
        self.hardware = hardware
        self.accelerator = accelerator
        self.checks = checks
    }
}

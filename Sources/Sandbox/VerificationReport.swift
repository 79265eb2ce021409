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

/// What one check of a booted image came to.
package struct CheckResult: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable {
        case passed
        case failed
        /// Could not be tried, because a check that it builds on failed or the image does not carry it.
        case skipped
    }

    package var name: String
    package var outcome: Outcome
    package var seconds: Double
    /// Why it failed or was skipped; for a check that passed, what it saw where that is worth a word.
    package var message: String?

    package init(name: String, outcome: Outcome, seconds: Double, message: String? = nil) {
        self.name = name
        self.outcome = outcome
        self.seconds = seconds
        self.message = message
    }
}

/// The results of booting an exported image on one kind of virtual hardware.
package struct VerificationReport: Sendable, Equatable, Codable {
    /// Path of the image that was booted.
    package var image: String
    /// The virtual hardware that the image was booted on: `virtualbox`, `vmware`, `hyperv`, `qemu`, `ec2`.
    package var hardware: String
    /// `kvm`, or `tcg` if the processor was emulated.
    package var accelerator: String
    package var checks: [CheckResult]

    /// Whether at least one check passed and none failed. An empty list proves nothing.
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

/// The result of one check of a booted image.
package struct CheckResult: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable {
        case passed
        case failed
        /// The check did not run, because a check that it depends on failed or the image lacks what it tests.
        case skipped
    }

    package var name: String
    package var outcome: Outcome
    package var seconds: Double
    /// The reason why the check failed or was skipped. For a check that passed, an observation if it is worth
    /// reporting.
    package var message: String?

    package init(name: String, outcome: Outcome, seconds: Double, message: String? = nil) {
        self.name = name
        self.outcome = outcome
        self.seconds = seconds
        self.message = message
    }
}

/// What one check of an image came to.
package struct CheckResult: Sendable, Equatable, Codable {
    package enum Outcome: String, Sendable, Codable { case passed, failed, skipped }

    package var name: String
    package var outcome: Outcome
    package var seconds: Double
    /// Why it failed or was skipped; what was seen where that is worth knowing.
    package var message: String?

    package init(name: String, outcome: Outcome, seconds: Double, message: String? = nil) {
        self.name = name
        self.outcome = outcome
        self.seconds = seconds
        self.message = message
    }
}

/// All checks of one image on one kind of hardware.
package struct VerificationReport: Sendable, Equatable, Codable {
    package var image: String
    package var hardware: String
    package var accelerator: String
    package var checks: [CheckResult]

    package init(image: String, hardware: String, accelerator: String, checks: [CheckResult]) {
        self.image = image
        self.hardware = hardware
        self.accelerator = accelerator
        self.checks = checks
    }

    package var passed: Bool { !checks.contains { $0.outcome == .failed } }
}

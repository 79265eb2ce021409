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

/// An expected error as shown to the user: what is wrong, what caused it and what to do next.
///
/// All modules throw it for expected failures. Any other error that reaches the top level is a bug in `dss`.
package struct Failure: Error, Sendable, CustomStringConvertible {
    /// Exit codes from `sysexits.h` that scripts may rely on, and 130 for Ctrl-C.
    package enum Code: Int32, Sendable {
        case failed = 1
        case usage = 64
        case badData = 65
        case unavailable = 69
        case bug = 70
        case outputFailed = 74
        case temporary = 75
        case noPermission = 77
        case interrupted = 130
    }

    package var code: Code
    package var message: String
    /// Further lines that explain the failure: the end of a log, all mistakes in a file, or leftovers.
    package var details: [String]
    /// The next step for the user, preferably a line to copy and paste.
    package var advice: String?
    /// Looks for the cause where that takes seconds; called after the failure is shown. Returns the failure that
    /// explains this one.
    package var inquiry: (@Sendable () async -> Failure?)?

    package init(_ code: Code, _ message: String, details: [String] = [], advice: String? = nil) {
        self.code = code
        self.message = message
        self.details = details
        self.advice = advice
    }

    /// This failure with its cause, where both must be one.
    package func explained(by cause: Failure) -> Failure {
        Failure(
            cause.code, message, details: [cause.message] + cause.details + details, advice: cause.advice ?? advice)
    }

    package var description: String {
        ([message] + details.map { "  \($0)" } + (advice.map { ["→ \($0)"] } ?? [])).joined(separator: "\n")
    }
}

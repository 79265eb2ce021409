/// What a user sees when something cannot be done: what is wrong, what it came from and what to do next.
///
/// Rooms throw it for every expected failure; anything else that reaches the top is a bug of ours.
package struct Failure: Error, Sendable, CustomStringConvertible {
    /// The exit codes of `sysexits.h` that scripts may rely on, and 130 for Ctrl-C.
    package enum Code: Int32, Sendable {
        case failed = 1
        case usage = 64
        case badData = 65
        case unavailable = 69
        case bug = 70
        case temporary = 75
        case noPermission = 77
        case interrupted = 130
    }

    package var code: Code
    package var message: String
    /// More lines that help to understand it: the end of a log, all mistakes in a file, what is left behind.
    package var details: [String]
    /// What to do next, best as a line to copy and paste.
    package var advice: String?

    package init(_ code: Code, _ message: String, details: [String] = [], advice: String? = nil) {
        self.code = code
        self.message = message
        self.details = details
        self.advice = advice
    }

    package var description: String {
        ([message] + details.map { "  \($0)" } + (advice.map { ["→ \($0)"] } ?? [])).joined(separator: "\n")
    }
}

import Reporting
import Sandbox

/// Shows the checks of an image as they come, and the result at the end.
struct CheckWriter: Sendable {
    private let isJSON: Bool
    private let terminal: Terminal

    init(_ options: OutputOptions) {
        self.init(json: options.json)
    }

    init(json isJSON: Bool) {
        self.isJSON = isJSON
        terminal = isJSON ? .standardError : .standardOutput
    }

    /// What takes the line of `progress` away.
    private var clear: String { terminal.isInteractive ? "\r\u{1b}[K" : "" }

    func begin(_ heading: String) {
        if !isJSON { terminal.write(heading + "\n") }
    }

    /// What is being waited for: a line that the next one replaces, on a terminal only.
    func progress(_ progress: Progress) {
        guard terminal.isInteractive else { return }
        terminal.write(clear + progress.activity.prefix(terminal.style.width - 1))
    }

    func check(_ result: CheckResult) {
        guard !isJSON else { return }
        terminal.write(clear + result.line(terminal.style))
    }

    /// What is to be said beside the checks.
    func note(_ line: String) {
        Terminal.standardError.write(clear + line + "\n")
    }

    func end(_ report: VerificationReport) {
        terminal.write(clear)
        if isJSON {
            Terminal.standardOutput.write(report.json.pretty + "\n")
        } else {
            terminal.write(report.summary + "\n")
        }
    }
}

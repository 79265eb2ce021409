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

    func begin(_ heading: String) {
        if !isJSON { terminal.write(heading + "\n") }
    }

    /// What is being waited for: a line that the next one replaces, on a terminal only.
    func progress(_ progress: Progress) {
        guard terminal.isInteractive else { return }
        terminal.write("\r\u{1b}[K" + progress.activity.prefix(terminal.style.width - 1))
    }

    func check(_ result: CheckResult) {
        guard !isJSON else { return }
        let clear = terminal.isInteractive ? "\r\u{1b}[K" : ""
        terminal.write(clear + result.line(terminal.style))
    }

    /// What is to be said beside the checks.
    func note(_ line: String) {
        Terminal.standardError.write((terminal.isInteractive ? "\r\u{1b}[K" : "") + line + "\n")
    }

    func end(_ report: VerificationReport) {
        let clear = terminal.isInteractive ? "\r\u{1b}[K" : ""
        terminal.write(clear)
        if isJSON {
            Terminal.standardOutput.write(report.json.pretty + "\n")
        } else {
            terminal.write(report.summary + "\n")
        }
    }
}

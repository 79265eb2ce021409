import Sandbox

extension Failure {
    /// The failure as compilers write theirs: `dss: error: …`, what helps to understand it, and what to do next.
    ///
    /// - Parameter task: the Ansible task that the build failed at, if it did.
    package func text(_ style: Style, task: TaskResult? = nil) -> String {
        let lines =
            Message.lines("dss: error:", .loud, message, style)
            + (task.map { Self.block($0) } ?? [])
            + details.flatMap { $0.printableLines.map(Self.indented) }
            + (advice.map { Self.advice($0, style) } ?? [])
        return lines.map { $0 + "\n" }.joined()
    }

    /// The last line of the `--json` stream of a build that failed; `code` is the exit code.
    package func event(task: TaskResult? = nil) -> String {
        JSONValue.object([
            ("event", .string("failure")), ("code", .integer(Int64(code.rawValue))), ("message", .string(message)),
            ("details", .array(details.map { .string($0) })), ("advice", .text(advice)),
            ("role", .text(task?.role)), ("task", .text(task?.name)), ("module", .text(task?.module)),
            ("task_message", .text(task?.message)),
        ]).line + "\n"
    }

    private static func block(_ task: TaskResult) -> [String] {
        let message = task.message?.printableLines ?? []
        return ["  task     \(task.title.printableLine)"]
            + (task.module.map { ["  module   \($0.printableLine)"] } ?? [])
            + message.enumerated().map { $0.offset == 0 ? "  message  \($0.element)" : "           \($0.element)" }
    }

    private static func advice(_ advice: String, _ style: Style) -> [String] {
        advice.printableLines.enumerated().map { index, line in
            index == 0 ? "\(style.arrow) \(style.paint(line, .bold))" : "  \(line)"
        }
    }

    /// A line that begins with `file:line:column` stays at the margin, where editors look for it.
    private static func indented(_ line: String) -> String {
        let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        let isLocation =
            parts.count >= 3 && Int(parts[1]) != nil && Int(parts[2]) != nil && line.first?.isWhitespace == false
        return isLocation || line.isEmpty ? line : "  \(line)"
    }
}

extension Failure {
    /// The failure that a user is told of, whatever was thrown; its code is the exit code.
    ///
    /// What a clean-up left behind is added to its cause; what is no `Failure` is a bug of ours, and says so.
    package init(of error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let leftBehind as LeftBehind:
            self.init(of: leftBehind.cause)
            details += ["left behind:"] + leftBehind.leftovers.map { "  \($0)" }
        case is CancellationError:
            self.init(.interrupted, "interrupted")
        default:
            self.init(
                .bug, "this should not happen: \(error)",
                advice: "please report it, with the command that you typed and this message")
        }
    }
}

/// A labelled message: `warning: …`, with its further lines indented.
package enum Message {
    /// A warning outside a build, ending in a line break.
    package static func warning(_ message: String, _ style: Style) -> String {
        lines("warning:", .yellow, message, style).map { $0 + "\n" }.joined()
    }

    /// A line of a log, ending in a line break.
    package static func log(_ message: String, _ style: Style) -> String {
        "\(style.paint("aws:", .dim)) \(message.printableLine)\n"
    }

    /// Long lines stay whole, because they may hold a command to copy; the terminal wraps them.
    static func lines(_ label: String, _ ink: Ink, _ message: String, _ style: Style) -> [String] {
        let lines = message.printableLines
        return ["\(style.paint(label, ink)) \(lines.first ?? "")"] + lines.dropFirst().map { "  \($0)" }
    }
}

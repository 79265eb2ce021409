import Sandbox

extension Failure {
    /// The failure in the style of compilers: `dss: error: …`, the details, and the advice.
    ///
    /// - Parameter task: the Ansible task that failed, if any.
    package func text(_ style: Style, task: TaskResult? = nil) -> String {
        let lines =
            Message.errorLines(message, style)
            + (task.map { Self.block($0) } ?? [])
            + details.flatMap { $0.printableLines.map(Self.indented) }
            + (advice.map { Self.advice($0, style) } ?? [])
        return lines.map { $0 + "\n" }.joined()
    }

    /// The last line of the `--json` stream of a failed build; `code` is the exit code.
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

    /// Indents a line, unless it starts with `file:line:column`: editors look for that at the start of the line.
    private static func indented(_ line: String) -> String {
        let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        let isLocation =
            parts.count >= 3 && Int(parts[1]) != nil && Int(parts[2]) != nil && line.first?.isWhitespace == false
        return isLocation || line.isEmpty ? line : "  \(line)"
    }
}

extension Failure {
    /// Converts any error to the failure shown to the user; its code is the exit code.
    ///
    /// Leftovers of a failed clean-up are added to the failure that caused it. An error of an unexpected type is
    /// reported as a bug in dss.
    package init(of error: any Error) {
        switch error {
        case let failure as Failure:
            self = failure
        case let leftBehind as LeftBehind:
            self.init(of: leftBehind.cause)
            if !leftBehind.leftovers.isEmpty {
                details += ["left behind:"] + leftBehind.leftovers.map { "  \($0)" }
            }
            details += leftBehind.kept
        case is CancellationError:
            self.init(.interrupted, "interrupted")
        default:
            self.init(
                .bug, "internal error: \(error)",
                advice: "please report this bug, with the command and this message")
        }
    }
}

/// Messages with a label such as `warning: …`; continuation lines are indented.
package enum Message {
    /// An error that is more than a `Failure` shows, such as a usage error; ends in a line break.
    package static func error(_ message: String, _ style: Style) -> String {
        errorLines(message, style).map { $0 + "\n" }.joined()
    }

    static func errorLines(_ message: String, _ style: Style) -> [String] {
        lines("dss: error:", .loud, message, style)
    }

    /// A warning outside a build, ending in a line break.
    package static func warning(_ message: String, _ style: Style) -> String {
        lines("warning:", .yellow, message, style).map { $0 + "\n" }.joined()
    }

    /// The default password that a build generated and set.
    static func passwordSet(_ user: String, _ password: Secret) -> String {
        "the default password of \(user) is now \(password.reveal); it is stored nowhere"
    }

    /// A log line about an AWS call, ending in a line break.
    package static func log(_ message: String, _ style: Style) -> String {
        "\(style.paint("aws:", .dim)) \(message.printableLine)\n"
    }

    static func lines(_ label: String, _ ink: TextStyle, _ message: String, _ style: Style) -> [String] {
        let lines = message.printableLines
        let first = broken(lines.first ?? "", behind: label.displayWidth + 1, style)
        return ["\(style.paint(label, ink)) \(first[0])"]
            + (first.dropFirst() + lines.dropFirst().flatMap { broken($0, behind: 2, style) }).map { "  \($0)" }
    }

    /// The lines of a sentence, broken between words, because a terminal breaks inside them. A line that may contain a
    /// command to copy is left to the terminal, and so is a word wider than a line.
    private static func broken(_ line: String, behind margin: Int, _ style: Style) -> [String] {
        guard style.width < .max, line.displayWidth > style.width - margin, line.first != " ",
            line.firstMatch(of: /\b(?:dss|sudo|ssh|docker|aws|make) [a-z-]|\x20{2}/) == nil
        else { return [line] }
        var (lines, room) = ([""], style.width - margin)
        for word in line.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty || last.displayWidth + 1 + word.displayWidth <= room {
                lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
            } else {
                lines.append(String(word))
                room = style.width - 2
            }
        }
        return lines
    }
}

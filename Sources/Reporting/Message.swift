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

/// How a text may look: decided once at the door from the terminal, the locale and the flags.
package struct Style: Sendable, Equatable {
    /// Whether escape sequences for colour may be written.
    package var color: Bool
    /// Whether anything beyond ASCII may be written as decoration (`✓`, `…`, `█`); names and paths stay what they are.
    package var unicode: Bool
    /// Columns of the terminal; tables are fitted into it and live lines are never wider.
    package var width: Int

    package init(color: Bool, unicode: Bool, width: Int) {
        self.color = color
        self.unicode = unicode
        self.width = max(1, width)
    }

    /// For a pipe or a file: no escape sequences, and nothing is shortened, since nobody's window limits it.
    package static let piped = Style(color: false, unicode: false, width: .max)

    var ellipsis: String { unicode ? "…" : "..." }
    var arrow: String { unicode ? "→" : "->" }
    var dash: String { unicode ? "—" : "-" }
    var rule: Character { unicode ? "─" : "-" }

    func mark(_ verdict: Verdict) -> String {
        switch verdict {
        case .good: paint(unicode ? "✓" : "ok    ", .green)
        case .bad: paint(unicode ? "✗" : "FAILED", .red)
        case .neutral: paint(unicode ? "–" : "-     ", .dim)
        }
    }

    package func paint(_ text: String, _ ink: Ink?) -> String {
        guard color, let ink, !text.isEmpty else { return text }
        return "\u{1B}[\(ink.rawValue)m\(text)\u{1B}[0m"
    }
}

/// What a line's first mark says at a glance.
enum Verdict: Sendable {
    case good, bad, neutral
}

/// The few colours in use, by their SGR codes (ECMA-48, 8.3.117); the terminal's own palette decides their shade.
package enum Ink: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case loud = "1;31"
}

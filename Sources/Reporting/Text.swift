/// Padding, shortening and wrapping of text, measured in terminal columns.
extension String {
    func padded(to width: Int, _ alignment: Table.Alignment = .left) -> String {
        let padding = String.blanks(width - displayWidth)
        return alignment == .left ? self + padding : padding + self
    }

    /// The text shortened to `width` columns with an ellipsis in the middle, because the ends distinguish paths and
    /// task names.
    func ellipsized(to width: Int, _ style: Style) -> String {
        guard displayWidth > width else { return self }
        let keep = width - style.ellipsis.displayWidth
        guard keep > 0 else { return clipped(to: width) }
        let tail = clippedStart(to: keep / 2)
        return clipped(to: keep - tail.displayWidth) + style.ellipsis + tail
    }

    /// The longest prefix that fits into `width` columns.
    func clipped(to width: Int) -> String {
        var taken = 0
        return String(
            prefix {
                taken += $0.displayWidth
                return taken <= width
            })
    }

    private func clippedStart(to width: Int) -> String {
        var taken = 0
        let count = reversed().prefix {
            taken += $0.displayWidth
            return taken <= width
        }.count
        return String(suffix(count))
    }

    /// The text in lines of at most `width` columns, broken between words; a word wider than a line is split.
    func wrapped(to width: Int) -> [String] {
        var lines = [""]
        for word in split(separator: " ").map(String.init) {
            let last = lines[lines.count - 1]
            if last.isEmpty || last.displayWidth + 1 + word.displayWidth <= width {
                lines[lines.count - 1] = last.isEmpty ? word : last + " " + word
            } else {
                lines.append(word)
            }
            while lines[lines.count - 1].displayWidth > width {
                let long = lines[lines.count - 1]
                let head = long.clipped(to: width)
                guard !head.isEmpty else { break }
                lines[lines.count - 1] = head
                lines.append(String(long.dropFirst(head.count)))
            }
        }
        return lines
    }

    /// A string of spaces; the usual lengths are precomputed.
    static func blanks(_ count: Int) -> String {
        count < usualBlanks.count ? usualBlanks[Swift.max(0, count)] : String(repeating: " ", count: count)
    }

    private static let usualBlanks = (0...160).map { String(repeating: " ", count: $0) }

    var trimmedEnd: String {
        guard utf8.last == UInt8(ascii: " ") else { return self }
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }
}

extension StringProtocol {
    /// Number of terminal columns that the text occupies.
    var displayWidth: Int { isPlain ? utf8.count : reduce(0) { $0 + $1.displayWidth } }

    /// Whether the text is printable ASCII, as nearly all output is: each byte is then one character and one column,
    /// so the text need not be split into characters.
    var isPlain: Bool {
        utf8.withContiguousStorageIfAvailable { $0.allSatisfy { (0x20..<0x7F).contains($0) } }
            ?? utf8.allSatisfy { (0x20..<0x7F).contains($0) }
    }
}

extension Character {
    /// Number of terminal columns that the character occupies.
    ///
    /// The standard library has no East Asian Width property, so the wide blocks are listed below, taken from
    /// Unicode's EastAsianWidth.txt (W and F) block by block; for emoji the library is used. A sequence of emoji is one
    /// picture. The parts of any other cluster are added up: overestimating a width only cuts a line early.
    var displayWidth: Int {
        if let ascii = asciiValue { return (0x20..<0x7F).contains(ascii) ? 1 : 0 }
        if let first = unicodeScalars.first, first.properties.isEmoji,
            first.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}")
        {
            return 2
        }
        return unicodeScalars.reduce(0) { $0 + $1.displayWidth }
    }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        if value == 0xAD { return 1 }  // the soft hyphen is a format character, but terminals draw it
        if (0x1160...0x11FF).contains(value) { return 0 }  // Hangul vowels and finals join the initial consonant
        return switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator: 0
        default: isWide ? 2 : 1
        }
    }

    private var isWide: Bool {
        guard value >= 0x1100 else { return false }
        return properties.isEmojiPresentation || Self.wideBlocks.contains { $0.contains(value) }
    }

    private static let wideBlocks: [ClosedRange<UInt32>] = [
        0x1100...0x115F,  // Hangul initial consonants
        0x2329...0x232A,  // angle brackets
        0x2E80...0x303E,  // radicals, CJK punctuation
        0x3041...0x4DBF,  // kana, CJK symbols, extension A
        0x4E00...0xA4CF,  // CJK ideographs, Yi
        0xA960...0xA97F,  // Hangul extension
        0xAC00...0xD7A3,  // Hangul syllables
        0xF900...0xFAFF,  // compatibility ideographs
        0xFE10...0xFE19,  // vertical forms
        0xFE30...0xFE6F,  // compatibility and small forms
        0xFF01...0xFF60,  // fullwidth ASCII
        0xFFE0...0xFFE6,  // fullwidth signs
        0x16FE0...0x18DFF,  // Tangut, Khitan
        0x1AFF0...0x1B2FF,  // kana supplements
        0x1F200...0x1F265,  // enclosed ideographs
        0x20000...0x3FFFD,  // further ideographs
    ]
}

extension String {
    /// The lines of the text without control characters and without trailing empty lines.
    var printableLines: [String] {
        var lines = split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { String($0).printable }
        while lines.count > 1, lines.last == "" { lines.removeLast() }
        return lines
    }

    /// The text on one line.
    package var printableLine: String {
        isPlain ? self : printableLines.filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The text without escape sequences and control characters; a tab becomes a space.
    ///
    /// Tool output appears between lines that dss positions itself: a cursor movement in it would garble them, and
    /// output from a remote machine must not control the user's terminal.
    var printable: String {
        var result = String.UnicodeScalarView()
        var state = Escape.none
        for scalar in unicodeScalars {
            state = state.next(scalar)
            guard state == .none else { continue }
            if scalar == "\t" {
                result.append(" ")
            } else if scalar.properties.generalCategory != .control {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

/// Position of a scalar within an escape sequence (ECMA-48, 5.3 to 5.6); `last` is its final scalar.
private enum Escape {
    case none, escape, control, string, stringEscape, last

    func next(_ scalar: Unicode.Scalar) -> Escape {
        switch self {
        case .none, .last: scalar == "\u{1B}" ? .escape : .none
        case .escape:
            switch scalar {
            case "[": .control
            case "]", "P", "X", "^", "_": .string
            case " "..."/": .escape
            default: .last
            }
        case .control: ("@"..."~").contains(scalar) ? .last : .control
        case .string: scalar == "\u{7}" ? .last : scalar == "\u{1B}" ? .stringEscape : .string
        case .stringEscape: scalar == "\\" ? .last : .string
        }
    }
}

/// Human-readable times and sizes.
///
/// Sizes use powers of 1000 (`1 MB` is 1,000,000 bytes), as disk manufacturers, file managers and AWS's prices do;
/// where a size matters, the exact bytes are shown next to it.
package enum Units {
    /// `34.1 s`, `2 min 05 s`, `1 h 02 min`.
    package static func time(_ seconds: Double) -> String {
        let tenths = whole(max(0, seconds) * 10)
        guard tenths >= 600 else { return "\(tenths / 10).\(tenths % 10) s" }
        let rounded = whole(seconds)
        guard rounded >= 3600 else { return "\(rounded / 60) min \(twoDigits(rounded % 60)) s" }
        return "\(rounded / 3600) h \(twoDigits(rounded / 60 % 60)) min"
    }

    /// Elapsed time in whole seconds, so that the display does not flicker.
    static func clock(_ seconds: Double) -> String {
        seconds < 60 ? "\(whole(max(0, seconds).rounded(.down))) s" : time(seconds.rounded(.down))
    }

    /// Three significant digits: `512 B`, `36.4 MB`, `1.36 GB`.
    package static func size(_ bytes: Int64) -> String {
        guard bytes >= 1000 else { return "\(bytes) B" }
        var value = Double(bytes) / 1000
        var unit = 0
        while value >= 999.5, unit < 4 {
            value /= 1000
            unit += 1
        }
        let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return "\(fixed(value, decimals)) \(["kB", "MB", "GB", "TB", "PB"][unit])"
    }

    /// Dollars rounded to cents; an amount below half a cent is `<0.01` and not `0.00`.
    package static func dollars(_ amount: Double) -> String {
        amount > 0 && amount < 0.005 ? "<0.01" : fixed(amount, 2)
    }

    /// The exact number with thousands separators: `1,363,148,800`.
    static func exact(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        let grouped = digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset).isMultiple(of: 3) { text.append(",") }
            text.append(digit.element)
        }
        return (number < 0 ? "-" : "") + grouped
    }

    /// `512 of 1300 MB`: both in the unit that suits the total.
    static func transferred(_ completed: Double, of total: Double?) -> String {
        let inKilobytes = (total ?? completed) < 10_000_000
        let done = whole(max(0, completed) / (inKilobytes ? 1000 : 1_000_000))
        let all = total.map { " of \(whole($0 / (inKilobytes ? 1000 : 1_000_000)))" } ?? ""
        return "\(done)\(all) \(inKilobytes ? "kB" : "MB")"
    }

    static func percent(_ fraction: Double) -> String { "\(whole(fraction * 100)) %" }

    /// The nearest integer; 0 for infinity (an unknown rate) and NaN.
    static func whole(_ number: Double) -> Int {
        Int(exactly: number.rounded()) ?? 0
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard decimals > 0 else { return "\(whole(value))" }
        let scale = decimals == 1 ? 10 : 100
        let scaled = whole(value * Double(scale))
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// Output style, derived once at startup from the terminal, the locale and the flags.
package struct Style: Sendable, Equatable {
    /// Whether to write escape sequences for color.
    package var color: Bool
    /// Whether to decorate output with non-ASCII characters (`✓`, `…`, `█`); names and paths are never changed.
    package var unicode: Bool
    /// Columns of the terminal; tables are fitted to it, and live lines are never wider.
    package var width: Int

    package init(color: Bool, unicode: Bool, width: Int) {
        self.color = color
        self.unicode = unicode
        self.width = max(1, width)
    }

    /// Columns of a line that is replaced in place. It never wraps, even if Ctrl-C, which the terminal shows as `^C`,
    /// ends it.
    package var liveWidth: Int { max(1, width - 3) }

    /// Style for a pipe or a file: no escape sequences, and nothing is shortened.
    package static let piped = Style(color: false, unicode: false, width: .max)

    var ellipsis: String { unicode ? "…" : "..." }
    var arrow: String { unicode ? "→" : "->" }
    var rule: Character { unicode ? "─" : "-" }

    func mark(_ verdict: Verdict) -> String {
        switch verdict {
        case .good: paint(unicode ? "✓" : "ok    ", .green)
        case .bad: paint(unicode ? "✗" : "FAILED", .red)
        case .neutral: paint(unicode ? "–" : "-     ", .dim)
        }
    }

    package func paint(_ text: String, _ ink: TextStyle?) -> String {
        guard color, let ink, !text.isEmpty else { return text }
        return "\u{1B}[\(ink.rawValue)m\(text)\u{1B}[0m"
    }
}

/// Outcome shown by the mark at the start of a line.
enum Verdict: Sendable {
    case good, bad, neutral
}

/// Text colors and attributes by their SGR codes (ECMA-48, 8.3.117); the terminal's palette determines the shade.
package enum TextStyle: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case loud = "1;31"
}

extension StringProtocol {
    /// Columns that the text takes on a terminal.
    var displayWidth: Int { isPlain ? utf8.count : reduce(0) { $0 + $1.displayWidth } }

    /// Printable ASCII, as nearly all that is shown: each byte is a character and a column, found out without taking
    /// the text apart.
    var isPlain: Bool {
        utf8.withContiguousStorageIfAvailable { $0.allSatisfy { (0x20..<0x7F).contains($0) } }
            ?? utf8.allSatisfy { (0x20..<0x7F).contains($0) }
    }
}

extension Character {
    /// Columns that the character takes.
    ///
    /// The standard library knows no East Asian Width, so the wide blocks stand here, taken from Unicode's
    /// EastAsianWidth.txt (W and F) block by block; emoji are asked of the library. A sequence of emoji is one picture;
    /// the parts of any other cluster are added up, because a line that is counted too wide is only cut early.
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
        if value == 0xAD { return 1 }  // the soft hyphen is a format character that terminals draw
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

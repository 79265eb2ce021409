/// A file in the INI dialect of the AWS CLI, read as Python's `configparser` reads it for botocore.
///
/// Sections and keys may stand only once. A line that is indented deeper than its key goes on with the key's value. A
/// value that begins in the next line holds settings of its own. `#` and `;` begin comments at the start of a line
/// only. Source: `botocore/configloader.py`.
struct INIFile: Sendable {
    struct Section: Sendable {
        var name: String
        var place: Place
        var entries: [String: Entry] = [:]
    }

    struct Entry: Sendable, Equatable {
        var place: Place
        var value: String
        /// The settings in it, where the value is a block of such.
        var nested: [String: Entry]?
    }

    var sections: [Section] = []
    /// All mistakes as `file:line:column: error: …`, in order.
    var mistakes: [String] = []

    init(_ bytes: [UInt8], path: String, shownPath: String) {
        var parser = INIParser(path: path, shownPath: shownPath)
        if let line = Self.invalidLine(bytes) {
            parser.complain(line: line, column: 1, "this is not UTF-8 text")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        parser.parse(text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text)
        sections = parser.finish()
        mistakes = parser.mistakes
    }

    init() {}

    private static func invalidLine(_ bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
    }
}

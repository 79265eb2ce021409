/// A file in the INI dialect of the AWS CLI, parsed as Python's `configparser` does for botocore.
///
/// Sections and keys must be unique. A line indented deeper than its key continues the key's value. A value that starts
/// on the next line holds nested settings. `#` and `;` start comments only at the beginning of a line.
/// Source: `botocore/configloader.py`.
struct INIFile: Sendable {
    struct Section: Sendable {
        var name: String
        var place: Place
        var entries: [String: Entry] = [:]
    }

    struct Entry: Sendable, Equatable {
        var place: Place
        var value: String
        /// The nested settings, if the value is a block of settings.
        var nested: [String: Entry]?
    }

    var sections: [Section] = []
    /// All errors as `file:line:column: error: …`, in order.
    var mistakes: [String] = []

    init(_ bytes: [UInt8], path: String, shownPath: String) {
        var parser = INIParser(path: path, shownPath: shownPath)
        if let line = Self.invalidLine(bytes) {
            parser.complain(line: line, column: 1, "not valid UTF-8")
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

/// Parses lines into sections; continues after an error, so that all errors are reported at once.
struct INIParser {
    /// Values in the section of this name apply to all other sections, as in `configparser`.
    private static let defaults = "DEFAULT"

    let path: String
    let shownPath: String
    private(set) var mistakes: [String] = []

    private struct OpenEntry {
        var key: String
        var place: Place
        var lines: [(text: String, place: Place)]
    }
    private struct OpenSection {
        var name: String
        var place: Place
        var entries: [OpenEntry] = []
    }
    private var sections: [OpenSection] = []
    /// Indentation of the current entry; a line indented deeper continues the entry.
    private var indent = 0
    private var isInEntry = false
    private var isOutside = false

    init(path: String, shownPath: String) {
        self.path = path
        self.shownPath = shownPath
    }

    mutating func complain(line: Int, column: Int, _ message: String) {
        mistakes.append("\(path):\(line):\(column): error: \(message)")
    }

    mutating func parse(_ text: String) {
        var line = String.UnicodeScalarView()
        var number = 1
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            if scalar == "\n", previous == "\r" {
                // The second character of a CRLF line break.
            } else if scalar == "\n" || scalar == "\r" {
                read(String(line), number)
                line = .init()
                number += 1
            } else {
                line.append(scalar)
            }
            previous = scalar
        }
        if !line.isEmpty { read(String(line), number) }
    }

    private mutating func read(_ line: String, _ number: Int) {
        let text = line.trimmed
        let depth = line.unicodeScalars.prefix { $0.properties.isWhitespace }.count
        let place = Place(path: path, shownPath: shownPath, line: number, column: depth + 1)
        if text.isEmpty {
            if isInEntry { continueEntry("", place) }
        } else if text.hasPrefix("#") || text.hasPrefix(";") {
            return
        } else if isInEntry, depth > indent {
            continueEntry(text, place)
        } else {
            indent = depth
            if text.hasPrefix("["), let end = text.lastIndex(of: "]"), end > text.index(after: text.startIndex) {
                begin(section: String(text[text.index(after: text.startIndex)..<end]), place)
            } else if sections.isEmpty {
                if !isOutside { complain(line: number, column: depth + 1, "expected a section header: [default]") }
                isOutside = true
            } else {
                begin(entry: text, place)
            }
        }
    }

    private mutating func continueEntry(_ text: String, _ place: Place) {
        let last = sections.count - 1
        sections[last].entries[sections[last].entries.count - 1].lines.append((text, place))
    }

    private mutating func begin(section name: String, _ place: Place) {
        if name != Self.defaults, let first = sections.first(where: { $0.name == name }) {
            complain(
                line: place.line, column: place.column,
                "duplicate section [\(name)], first defined on line \(first.place.line)")
        }
        sections.append(OpenSection(name: name, place: place))
        isInEntry = false
    }

    private mutating func begin(entry text: String, _ place: Place) {
        guard let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            let what = text.hasPrefix("[") ? "section header has no closing ']'" : "expected 'key = value'"
            return complain(line: place.line, column: place.column, what)
        }
        let key = text[..<delimiter].trimmed.lowercased()
        if key.isEmpty { complain(line: place.line, column: place.column, "missing key before '='") }
        let last = sections.count - 1
        if let first = sections[last].entries.first(where: { $0.key == key }) {
            complain(
                line: place.line, column: place.column,
                "duplicate key, first defined on line \(first.place.line)")
        }
        let value = text[text.index(after: delimiter)...].trimmed
        sections[last].entries.append(OpenEntry(key: key, place: place, lines: [(value, place)]))
        isInEntry = true
    }

    mutating func finish() -> [INIFile.Section] {
        var defaults: [String: INIFile.Entry] = [:]
        var finished: [INIFile.Section] = []
        for section in sections {
            var entries: [String: INIFile.Entry] = [:]
            for entry in section.entries where entries[entry.key] == nil { entries[entry.key] = finish(entry) }
            if section.name == Self.defaults {
                defaults.merge(entries) { first, _ in first }
            } else {
                finished.append(INIFile.Section(name: section.name, place: section.place, entries: entries))
            }
        }
        for index in finished.indices { finished[index].entries.merge(defaults) { own, _ in own } }
        return finished
    }

    private mutating func finish(_ entry: OpenEntry) -> INIFile.Entry {
        var lines = entry.lines
        while lines.count > 1, lines.last?.text.isEmpty == true { lines.removeLast() }
        let value = lines.map(\.text).joined(separator: "\n")
        guard value.hasPrefix("\n") else { return INIFile.Entry(place: entry.place, value: value) }
        var nested: [String: INIFile.Entry] = [:]
        for line in lines where !line.text.isEmpty {
            guard let delimiter = line.text.firstIndex(of: "=") else {
                complain(
                    line: line.place.line, column: line.place.column, "expected 'key = value'")
                continue
            }
            nested[line.text[..<delimiter].trimmed] = INIFile.Entry(
                place: line.place, value: line.text[line.text.index(after: delimiter)...].trimmed)
        }
        return INIFile.Entry(place: entry.place, value: value, nested: nested)
    }
}

/// Splits a line into words as a POSIX shell does, without expansion; returns `nil` for an unterminated quote.
///
/// Equivalent to Python's `shlex.split`, with which the AWS CLI splits `credential_process` and section names.
func shellWords(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in line {
        if isEscaped {
            isEscaped = false
            // Within double quotes, a backslash escapes only these two characters.
            word = (word ?? "") + (quote != nil && character != "\"" && character != "\\" ? "\\" : "") + "\(character)"
        } else if character == "\\", quote != "'" {
            isEscaped = true
            word = word ?? ""
        } else if let open = quote {
            if character == open { quote = nil } else { word = (word ?? "") + "\(character)" }
        } else if character == "'" || character == "\"" {
            quote = character
            word = word ?? ""
        } else if character.isWhitespace {
            if let finished = word { words.append(finished) }
            word = nil
        } else {
            word = (word ?? "") + "\(character)"
        }
    }
    guard quote == nil, !isEscaped else { return nil }
    return words + (word.map { [$0] } ?? [])
}

/// A location in a configuration file; lines and columns count from 1.
struct Place: Sendable, Equatable, Hashable {
    var path: String
    /// The path as shown to users: `~/.aws/config`.
    var shownPath: String
    var line: Int
    var column = 1

    /// The location in the format of compiler errors.
    var full: String { "\(path):\(line):\(column)" }
    /// The location for use in a sentence.
    var short: String { "\(shownPath):\(line)" }
}

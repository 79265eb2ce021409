/// Reads lines into sections; goes on after a mistake, so that all are found at once.
struct INIParser {
    /// Values of a section of this name hold in all others, as `configparser` has it.
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
    /// A deeper line goes on with the entry that began at this indent.
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
                // The second half of one line end.
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
                if !isOutside { complain(line: number, column: depth + 1, "expected a section first: [default]") }
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
                "section [\(name)] stands already in line \(first.place.line)")
        }
        sections.append(OpenSection(name: name, place: place))
        isInEntry = false
    }

    private mutating func begin(entry text: String, _ place: Place) {
        guard let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            let what = text.hasPrefix("[") ? "this section has no ']'" : "expected a key, '=' and its value"
            return complain(line: place.line, column: place.column, what)
        }
        let key = text[..<delimiter].trimmed.lowercased()
        if key.isEmpty { complain(line: place.line, column: place.column, "there is no key before the '='") }
        let last = sections.count - 1
        if let first = sections[last].entries.first(where: { $0.key == key }) {
            complain(
                line: place.line, column: place.column,
                "this section has the same key already in line \(first.place.line)")
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
                    line: line.place.line, column: line.place.column, "expected a key, '=' and its value")
                continue
            }
            nested[line.text[..<delimiter].trimmed] = INIFile.Entry(
                place: line.place, value: line.text[line.text.index(after: delimiter)...].trimmed)
        }
        return INIFile.Entry(place: entry.place, value: value, nested: nested)
    }
}

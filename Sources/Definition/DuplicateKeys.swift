import Yams

/// The text of a YAML file in which repeated keys are given names of their own.
///
/// Yams refuses a mapping with a duplicate key as a whole, and with it every later mistake in the file. So the
/// repeated key's last letter is swapped for a private-use one, which moves nothing, and the text is read again.
struct DuplicateKeys {
    struct Position: Hashable {
        var line: Int
        var column: Int
    }

    private(set) var text: String
    /// Position of each repeated key → its name and the line where it stood first.
    private(set) var found: [Position: (name: String, firstLine: Int)] = [:]

    init(text: String) {
        self.text = text
    }

    /// - Returns: false where the repetition could not be found, as in a mapping in braces.
    mutating func setAside(_ name: String, first: Mark) -> Bool {
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        let indent = first.column - 1
        let key = Array(name.unicodeScalars)
        guard !key.isEmpty, let marker = Unicode.Scalar(0xE000 + UInt32(found.count)) else { return false }
        for index in lines.indices.dropFirst(first.line) {
            let line = lines[index]
            let blanks = line.prefix { $0 == " " }.count
            if blanks == line.count || line[blanks] == "#" { continue }
            if blanks < indent { return false }
            guard blanks == indent, let end = Self.end(of: key, in: line, from: indent) else { continue }
            lines[index][end - 1] = marker
            found[Position(line: index + 1, column: first.column)] = (name, first.line)
            text = String(String.UnicodeScalarView(lines.joined(separator: ["\n"])))
            return true
        }
        return false
    }

    /// The end of the key's own letters where the line has that key at `start`, quoted or not.
    private static func end(of key: [Unicode.Scalar], in line: [Unicode.Scalar], from start: Int) -> Int? {
        var begin = start
        if line[start] == "\"" || line[start] == "'" { begin += 1 }
        let end = begin + key.count
        guard end <= line.count, Array(line[begin..<end]) == key else { return nil }
        let rest = line[end...].drop { $0 == "\"" || $0 == "'" || $0 == " " }
        return rest.first == ":" ? end : nil
    }
}

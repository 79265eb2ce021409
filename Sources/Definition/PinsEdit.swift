import Sandbox

/// Writes new versions into the text of `pins.yaml` line by line, so that comments and order stay and a review shows
/// nothing but the versions that changed.
struct PinsEdit {
    private var lines: [String]
    private var deleted: Set<Int> = []
    /// Index of a line → lines to add behind it; -1 is the beginning.
    private var added: [Int: [String]] = [:]

    init(text: String) {
        // By scalars, because "\r\n" is one character to Swift.
        lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }

    var text: String {
        var result = added[-1] ?? []
        for (index, line) in lines.enumerated() {
            if !deleted.contains(index) { result.append(line) }
            result += added[index] ?? []
        }
        return result.joined(separator: "\n")
    }

    /// Makes one mapping of names to versions what `wanted` says.
    mutating func set(_ wanted: [String: String], in section: Item.Entry) {
        let present = section.item.entries ?? []
        for entry in present {
            if let version = wanted[entry.name] {
                replace(entry.item, with: version)
            } else if let line = entry.place.lineIndex {
                deleted.insert(line)
            }
        }
        let kept = present.filter { wanted[$0.name] != nil }
        let new = wanted.filter { name, _ in !present.contains { $0.name == name } }
        if !new.isEmpty { add(new, to: section, behind: kept) }
        if present.isEmpty != wanted.isEmpty { reopen(section, isEmpty: wanted.isEmpty) }
    }

    /// The same for a mapping of environments, each of which has its own versions.
    mutating func set(_ wanted: [String: [String: String]], inEach section: Item.Entry) {
        for environment in section.item.entries ?? [] { set(wanted[environment.name] ?? [:], in: environment) }
    }

    /// Puts a version where another one stands; quotes and whatever follows on the line stay.
    mutating func replace(_ item: Item, with version: String) {
        guard case .scalar(let scalar) = item.content, scalar.text != version, let index = item.place.lineIndex,
            case .file(_, _, let column) = item.place, lines.indices.contains(index)
        else { return }
        let line = Array(lines[index].unicodeScalars)
        let start = column - 1
        guard start < line.count else { return }
        var end = start + 1
        let isQuoted = line[start] == "\"" || line[start] == "'"
        if isQuoted {
            while end < line.count, line[end] != line[start] { end += 1 }
            end = min(end + 1, line.count)
        } else {
            while end < line.count, !" ,}#\t\r".unicodeScalars.contains(line[end]) { end += 1 }
        }
        var view = String.UnicodeScalarView(line[..<start])
        view.append(contentsOf: (isQuoted ? ScalarText.quoted(version) : ScalarText.yaml(version)).unicodeScalars)
        view.append(contentsOf: line[end...])
        lines[index] = String(view)
    }

    /// Each new name goes behind the last present one that sorts before it.
    private mutating func add(_ new: [String: String], to section: Item.Entry, behind kept: [Item.Entry]) {
        guard case .file(_, let sectionLine, let sectionColumn) = section.place else { return }
        var indent = sectionColumn + 1
        if case .file(_, _, let column)? = kept.first?.place { indent = column - 1 }
        for (name, version) in new.sorted(by: { $0.key < $1.key }) {
            let before = kept.last { $0.name < name }?.place.lineIndex ?? (sectionLine - 1)
            let key = ScalarText.yaml(name)
            added[before, default: []].append(
                "\(String(repeating: " ", count: indent))\(key): \(ScalarText.quoted(version))")
        }
    }

    /// `poetry: {}` becomes `poetry:` and the other way round.
    private mutating func reopen(_ section: Item.Entry, isEmpty: Bool) {
        guard let index = section.place.lineIndex, lines.indices.contains(index),
            let colon = lines[index].firstIndex(of: ":")
        else { return }
        let rest = String(lines[index][lines[index].index(after: colon)...])
        let comment = rest.firstIndex(of: "#").map { "  " + rest[$0...] } ?? ""
        lines[index] =
            lines[index][...colon] + (isEmpty ? " {}" : "") + comment
            + (rest.hasSuffix("\r") && comment.isEmpty ? "\r" : "")
    }
}

extension Place {
    var lineIndex: Int? {
        if case .file(_, let line, _) = self { line - 1 } else { nil }
    }
}

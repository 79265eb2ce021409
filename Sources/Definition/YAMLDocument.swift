import Sandbox
import Yams

/// Parses one YAML file into an `Item` with the place of every value.
enum YAMLDocument {
    /// - Parameter path: Path of the file as shown in diagnostics.
    /// - Returns: The root of the document; `nil`, with an entry in `diagnostics`, if the text is empty or not valid
    ///   YAML.
    static func parse(_ bytes: [UInt8], path: String, diagnostics: inout [Diagnostic]) -> Item? {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            diagnostics.append(
                Diagnostic(
                    .file(path, line: bad + 1, column: 1), "the line is not valid UTF-8", "save the file as UTF-8"))
            return nil
        }
        var duplicates = DuplicateKeys(text: text)
        do {
            guard let root = try compose(&duplicates, path, &diagnostics) else {
                diagnostics.append(Diagnostic(.file(path, line: 1, column: 1), "the file is empty"))
                return nil
            }
            let converter = NodeConverter(path: path, duplicates: duplicates)
            return converter.item(root, key: "", &diagnostics)
        } catch {
            diagnostics.append(YAMLSyntax.diagnostic(error, text: text, path: path))
            return nil
        }
    }

    /// Composes the tree. Yams stops at the first duplicate key, so duplicates are renamed one by one until none is
    /// left.
    private static func compose(
        _ duplicates: inout DuplicateKeys, _ path: String, _ diagnostics: inout [Diagnostic]
    ) throws -> Node? {
        while true {
            do {
                let parser = try Parser(yaml: duplicates.text, encoding: .utf8)
                let root = try parser.nextRoot()
                if let second = try parser.nextRoot() {
                    diagnostics.append(
                        Diagnostic(
                            .file(path, line: second.mark?.line ?? 1, column: second.mark?.column ?? 1),
                            "a second YAML document starts here",
                            "keep only one document in the file"))
                }
                return root
            } catch YamlError.duplicatedKeysInMapping(let names, let context) where !names.isEmpty {
                guard duplicates.setAside(names[0], first: context.mark) else {
                    throw YamlError.duplicatedKeysInMapping(duplicates: names, context: context)
                }
            }
        }
    }
}

/// Converts an error of the YAML parser to a diagnostic with the parser's position.
enum YAMLSyntax {
    static func diagnostic(_ error: any Error, text: String, path: String) -> Diagnostic {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            Diagnostic(
                .file(path, line: mark.line, column: mark.column), "invalid YAML: \(problem)",
                advice(problem, at: scalar(text, mark)))
        case YamlError.reader(let problem, let offset, _, _):
            Diagnostic(place(of: offset ?? 0, in: text, path), "invalid YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let names, let context):
            Diagnostic(
                .file(path, line: context.mark.line, column: context.mark.column),
                "duplicate key '\(names.first ?? "")' in this mapping", "keep one of them")
        default:
            Diagnostic(.file(path, line: 1, column: 1), "invalid YAML: \(error)")
        }
    }

    /// A hint at the usual cause, for errors where libYAML's own message does not name it.
    private static func advice(_ problem: String, at scalar: Unicode.Scalar?) -> String? {
        switch scalar {
        case "\t": "indent with spaces, not tabs"
        case "@", "`", "%": "put the value in quotes"
        default: problem.hasPrefix("mapping values") ? "put a value that contains ': ' in quotes" : nil
        }
    }

    private static func scalar(_ text: String, _ mark: Mark) -> Unicode.Scalar? {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line - 1) else { return nil }
        return lines[mark.line - 1].dropFirst(mark.column - 1).first
    }

    private static func place(of offset: Int, in text: String, _ path: String) -> Place {
        let lines = text.prefix(offset).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        return .file(path, line: max(lines.count, 1), column: (lines.last?.count ?? 0) + 1)
    }
}

/// The text of a YAML file in which duplicate keys are renamed.
///
/// Yams rejects a mapping with a duplicate key as a whole, which would hide every later error in the file. So the
/// last letter of the duplicate key is replaced by a private-use character, which keeps all positions, and the text
/// is parsed again.
struct DuplicateKeys {
    struct Position: Hashable {
        var line: Int
        var column: Int
    }

    private(set) var text: String
    /// Position of each duplicate key → its name and the line of its first occurrence.
    private(set) var found: [Position: (name: String, firstLine: Int)] = [:]

    init(text: String) {
        self.text = text
    }

    /// - Returns: `false` if the duplicate could not be located, for example in a flow mapping (`{a: 1, a: 2}`).
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

    /// The end of the key's own letters if the line has that key at `start`, quoted or not.
    private static func end(of key: [Unicode.Scalar], in line: [Unicode.Scalar], from start: Int) -> Int? {
        var begin = start
        if line[start] == "\"" || line[start] == "'" { begin += 1 }
        let end = begin + key.count
        guard end <= line.count, Array(line[begin..<end]) == key else { return nil }
        let rest = line[end...].drop { $0 == "\"" || $0 == "'" || $0 == " " }
        return rest.first == ":" ? end : nil
    }
}

/// Converts a Yams node to an `Item`: adds dotted keys and places, merges `<<` mappings, and reports duplicate keys.
struct NodeConverter {
    let path: String
    let duplicates: DuplicateKeys

    func item(_ node: Node, key: String, _ diagnostics: inout [Diagnostic]) -> Item {
        let place = place(node)
        switch node {
        case .scalar(let scalar):
            return Item(key: key, place: place, content: .scalar(Self.scalar(scalar.string, node)))
        case .sequence(let sequence):
            return Item(key: key, place: place, content: .list(sequence.map { item($0, key: key, &diagnostics) }))
        case .mapping(let mapping):
            return Item(key: key, place: place, content: .map(entries(mapping, key, &diagnostics)))
        case .alias:
            return Item(key: key, place: place, content: .list([]))
        }
    }

    private func entries(_ mapping: Node.Mapping, _ key: String, _ diagnostics: inout [Diagnostic]) -> [Item.Entry] {
        var entries: [Item.Entry] = []
        var merged: [Item.Entry] = []
        for (name, value) in mapping {
            guard let text = name.scalar?.string else {
                diagnostics.append(Diagnostic(place(name), "a key must be a string, found a list or a mapping"))
                continue
            }
            if name.tag == Tag(.merge) {
                merged += inherited(item(value, key: key, &diagnostics), &diagnostics)
            } else if let mark = name.mark,
                let duplicate = duplicates.found[.init(line: mark.line, column: mark.column)]
            {
                diagnostics.append(
                    Diagnostic(
                        place(name), "duplicate key '\(duplicate.name)', first set in line \(duplicate.firstLine)",
                        "keep one of them"))
            } else {
                let child = item(value, key: key.isEmpty ? text : "\(key).\(text)", &diagnostics)
                entries.append(Item.Entry(name: text, place: place(name), item: child))
            }
        }
        for entry in merged where !entries.contains(where: { $0.name == entry.name }) { entries.append(entry) }
        return entries
    }

    /// The entries that `<<:` merges: from one mapping or a list of mappings, the first of which wins.
    private func inherited(_ item: Item, _ diagnostics: inout [Diagnostic]) -> [Item.Entry] {
        switch item.content {
        case .map(let entries): return entries
        case .list(let items) where items.allSatisfy { $0.entries != nil }: return items.flatMap { $0.entries ?? [] }
        default:
            diagnostics.append(Diagnostic(item.place, "'<<' must refer to a mapping, found \(item.found)"))
            return []
        }
    }

    private func place(_ node: Node) -> Place {
        .file(path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    /// - Parameter node: The node with the tag that YAML gives the text; quoted text is always a string.
    static func scalar(_ text: String, _ node: Node) -> Item.Scalar {
        let kind: Item.Scalar.Kind =
            switch Tag.Name(rawValue: node.tag.rawValue) {
            case .null: .nothing
            case .bool: node.bool.map { .boolean($0) } ?? .text
            case .int: .integer(node.int)
            case .float: .fraction
            default: .text
            }
        return Item.Scalar(text: text, kind: kind)
    }
}

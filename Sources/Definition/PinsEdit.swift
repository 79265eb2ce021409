import Sandbox

/// Writes new versions into the text of `pins.yaml` line by line, so that comments and order are kept and a diff shows
/// only the versions that changed.
struct PinsEdit {
    private var lines: [String]
    private var deleted: Set<Int> = []
    /// Index of a line → lines to add after it; -1 is the beginning of the file.
    private var added: [Int: [String]] = [:]

    init(text: String) {
        lines = Self.lines(of: text)
    }

    /// Splits by Unicode scalars, because Swift treats "\r\n" as one character.
    static func lines(of text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }

    var text: String {
        var result = added[-1] ?? []
        for (index, line) in lines.enumerated() {
            if !deleted.contains(index) { result.append(line) }
            result += added[index] ?? []
        }
        return result.joined(separator: "\n")
    }

    /// Updates one mapping of names to versions to match `wanted`.
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

    /// Updates a mapping of environments, each of which has its own versions; new environments are added at the end.
    mutating func set(_ wanted: [String: [String: String]], inEach section: Item.Entry) {
        let present = section.item.entries ?? []
        for environment in present { set(wanted[environment.name] ?? [:], in: environment) }
        let new = wanted.filter { name, _ in !present.contains { $0.name == name } }.sorted { $0.key < $1.key }
        guard !new.isEmpty, let last = section.lastLine else { return }
        added[last, default: []] += new.flatMap { Pins.section($0.key, $0.value, 1) }
        if present.isEmpty { reopen(section, isEmpty: false) }
    }

    /// Replaces a version in place; its quotes and the rest of the line are kept.
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

    /// Adds each new name after the last existing name that sorts before it.
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

    /// Turns `poetry: {}` into `poetry:` and vice versa.
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

extension Item.Entry {
    /// Index of the line of the last key in this mapping.
    fileprivate var lastLine: Int? {
        ([place.lineIndex] + (item.entries ?? []).map(\.lastLine)).compactMap(\.self).max()
    }
}

extension Place {
    var lineIndex: Int? {
        if case .file(_, let line, _) = self { line - 1 } else { nil }
    }
}

extension PinsFile {
    /// The text of the file with new versions: an edit of the existing text, or, if its layout is too unusual for
    /// that (flow mappings), the canonical text below the existing header comment. Lines end as they did.
    /// - Throws: `Failure` with code `.badData` if the canonical text would lose comments.
    package func text(with new: Pins) throws -> String {
        let edited = edit(new)
        let isEdited = Self.pins(in: edited) == new
        if !isEdited, lines.dropFirst(header.count).contains(where: { $0.contains(/(^|\s)#/) }) {
            throw [
                Diagnostic(
                    flowMapping(in: document) ?? document.place,
                    "this mapping cannot be changed without losing the comments of the file",
                    "write one line for each name, without braces")
            ].failure()
        }
        let text = isEdited ? edited : header.map { $0 + "\n" }.joined() + new.yaml()
        // A carriage return and its line feed are one character: only the added lines lack the former.
        return self.text.contains("\r\n") && !self.text.contains("\n" as Character)
            ? text.replacing("\n", with: "\r\n") : text
    }

    /// The place of the first mapping that is written in braces and not empty.
    private func flowMapping(in item: Item) -> Place? {
        guard let entries = item.entries, !entries.isEmpty else { return nil }
        if case .file(_, let line, let column) = item.place, lines.indices.contains(line - 1),
            lines[line - 1].unicodeScalars.dropFirst(column - 1).first == "{"
        {
            return item.place
        }
        return entries.lazy.compactMap { flowMapping(in: $0.item) }.first
    }

    private func edit(_ new: Pins) -> String {
        var edit = PinsEdit(text: text)
        if let item = document["distribution"] { edit.replace(item, with: new.distribution) }
        if let item = document["suite"] { edit.replace(item, with: new.suite) }
        if let item = document["architecture"], let value = new.architecture {
            edit.replace(item, with: value.rawValue)
        }
        if let item = document["python"], let value = new.python { edit.replace(item, with: value) }
        for section in document.entries ?? [] {
            switch section.name {
            case "apt": edit.set(new.apt, in: section)
            case "git": edit.set(new.git, in: section)
            case "pip": edit.set(new.pip, inEach: section)
            case "pip_locked": edit.set(new.pipLocked, inEach: section)
            case "pip_sha256": edit.set(new.pipSHA256, inEach: section)
            default: break
            }
        }
        // A section that the file does not have is added at the end; everything else in it stays as it is.
        let sections = [("pip", new.pip), ("pip_locked", new.pipLocked), ("pip_sha256", new.pipSHA256)]
        let missing =
            (document["apt"] == nil && !new.apt.isEmpty ? Pins.section("apt", new.apt, 0) : [])
            + sections.filter { document[$0.0] == nil && !$0.1.isEmpty }.flatMap { Pins.section($0.0, $0.1) }
        let added = missing.map { $0 + "\n" }.joined()
        return edit.text + (added.isEmpty || edit.text.unicodeScalars.last == "\n" ? "" : "\n") + added
    }

    private var lines: [String] { PinsEdit.lines(of: text) }

    /// The comment at the beginning of the file, with the empty line after it.
    private var header: ArraySlice<String> {
        lines.prefix { $0.hasPrefix("#") || $0.allSatisfy(\.isWhitespace) }
    }

    private static func pins(in text: String) -> Pins? {
        var diagnostics: [Diagnostic] = []
        let file = parse(Array(text.utf8), path: "", absolutePath: "", &diagnostics)
        return diagnostics.isEmpty ? file?.pins : nil
    }
}

extension Pins {
    /// The whole file in canonical form: sorted, indented by two spaces, versions in quotes.
    package func yaml() -> String {
        var lines = ["distribution: \(ScalarText.yaml(distribution))", "suite: \(ScalarText.yaml(suite))"]
        if let architecture { lines.append("architecture: \(architecture.rawValue)") }
        if let python { lines.append("python: \(ScalarText.quoted(python))") }
        lines += Self.section("apt", apt, 0)
        lines += Self.section("pip", pip) + Self.section("pip_locked", pipLocked)
        if !pipExtends.isEmpty { lines += Self.section("pip_extends", pipExtends, 0) }
        if !pipExcluded.isEmpty { lines += Self.section("pip_excluded", pipExcluded) }
        if !pipSource.isEmpty { lines += Self.section("pip_source", pipSource, 0) }
        if !pipSHA256.isEmpty { lines += Self.section("pip_sha256", pipSHA256) }
        lines += Self.section("git", git, 0)
        return lines.map { $0 + "\n" }.joined()
    }

    fileprivate static func section(_ name: String, _ environments: [String: [String: String]]) -> [String] {
        [environments.isEmpty ? "\(name): {}" : "\(name):"]
            + environments.sorted { $0.key < $1.key }.flatMap { section($0.key, $0.value, 1) }
    }

    fileprivate static func section(_ name: String, _ versions: [String: String], _ depth: Int) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        if versions.isEmpty { return ["\(indent)\(ScalarText.yaml(name)): {}"] }
        return ["\(indent)\(ScalarText.yaml(name)):"]
            + versions.sorted { $0.key < $1.key }.map {
                "\(indent)  \(ScalarText.yaml($0.key)): \(ScalarText.quoted($0.value))"
            }
    }
}

import Sandbox

extension PinsFile {
    /// The file's text with other versions in it: an edit of the present text, or, where its layout is too unusual
    /// for that (mappings in braces, a new environment), the canonical text below the present header comment.
    package func text(with new: Pins) -> String {
        let edited = edit(new)
        return Self.pins(in: edited) == new ? edited : header + new.yaml()
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
            default: break
            }
        }
        return edit.text
    }

    /// The comment at the beginning of the file, with the empty line behind it.
    private var header: String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            .prefix { $0.hasPrefix("#") || $0.allSatisfy(\.isWhitespace) }.map { $0 + "\n" }.joined()
    }

    private static func pins(in text: String) -> Pins? {
        var diagnostics: [Diagnostic] = []
        let file = parse(Array(text.utf8), path: "", absolutePath: "", &diagnostics)
        return diagnostics.isEmpty ? file?.pins : nil
    }
}

extension Pins {
    /// The whole file in its canonical form: sorted, two blanks deep, versions in quotes.
    package func yaml() -> String {
        var lines = ["distribution: \(ScalarText.yaml(distribution))", "suite: \(ScalarText.yaml(suite))"]
        if let architecture { lines.append("architecture: \(architecture.rawValue)") }
        if let python { lines.append("python: \(ScalarText.quoted(python))") }
        lines += Self.section("apt", apt, 0)
        for (name, environments) in [("pip", pip), ("pip_locked", pipLocked)] {
            lines.append(environments.isEmpty ? "\(name): {}" : "\(name):")
            for (environment, versions) in environments.sorted(by: { $0.key < $1.key }) {
                lines += Self.section(environment, versions, 1)
            }
        }
        lines += Self.section("git", git, 0)
        return lines.map { $0 + "\n" }.joined()
    }

    private static func section(_ name: String, _ versions: [String: String], _ depth: Int) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        if versions.isEmpty { return ["\(indent)\(ScalarText.yaml(name)): {}"] }
        return ["\(indent)\(ScalarText.yaml(name)):"]
            + versions.sorted { $0.key < $1.key }.map {
                "\(indent)  \(ScalarText.yaml($0.key)): \(ScalarText.quoted($0.value))"
            }
    }
}

import Sandbox
import Yams

/// Turns the text of one YAML file into an `Item` that knows the place of everything in it.
enum YAMLDocument {
    /// - Parameter path: the file's name as diagnostics show it.
    /// - Returns: the document's root, or `nil` where the text is no YAML or is empty; that is then in `diagnostics`.
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

    /// Composes the tree; Yams gives up at the first duplicate key, so each is set aside until none is left.
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
                            "a second document begins here",
                            "keep one document in the file"))
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

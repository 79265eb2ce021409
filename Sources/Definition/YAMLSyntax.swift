import Yams

/// Puts what the YAML parser says into a diagnostic with the parser's position.
enum YAMLSyntax {
    static func diagnostic(_ error: any Error, text: String, path: String) -> Diagnostic {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            Diagnostic(
                .file(path, line: mark.line, column: mark.column), "no valid YAML: \(problem)",
                advice(problem, at: scalar(text, mark)))
        case YamlError.reader(let problem, let offset, _, _):
            Diagnostic(place(of: offset ?? 0, in: text, path), "no valid YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let names, let context):
            Diagnostic(
                .file(path, line: context.mark.line, column: context.mark.column),
                "the key '\(names.first ?? "")' stands twice in this mapping", "keep one of them")
        default:
            Diagnostic(.file(path, line: 1, column: 1), "no valid YAML: \(error)")
        }
    }

    /// The usual cause, where libYAML's own words do not lead there.
    private static func advice(_ problem: String, at scalar: Unicode.Scalar?) -> String? {
        switch scalar {
        case "\t": "indent with blanks, not with a tab"
        case "@", "`", "%": "put the value into quotes"
        default: problem.hasPrefix("mapping values") ? "put a value that contains ': ' into quotes" : nil
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

extension Table {
    /// The table in GitHub's Markdown, nothing shortened.
    package var markdown: String {
        columns(reaching: .documents).wholeMarkdown(header: true)
    }

    func wholeMarkdown(header: Bool) -> String {
        guard !rows.isEmpty else { return "\(Markdown.escaped(empty))\n" }
        let rule = columns.map { $0.alignment == .left ? "---" : "---:" }
        let lines = header ? [columns.map { Markdown.escaped($0.title) }, rule] : []
        let body = (rows + (total.map { [$0] } ?? [])).map { $0.map { Markdown.escaped($0.text) } }
        let table = (lines + body).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
        return table + notes.map { "\n\(Markdown.escaped($0))\n" }.joined()
    }
}

enum Markdown {
    /// The text as Markdown that shows it as it is, on one line.
    static func escaped(_ text: String) -> String {
        text.printableLine.reduce(into: "") { result, character in
            if #"\|<>*`["#.contains(character) { result.append("\\") }
            result.append(character)
        }
    }

    /// The text as code; a backtick in it is what a code span cannot hold without changing its fence.
    static func code(_ text: String) -> String {
        text.contains("`") ? "`` \(text.printableLine) ``" : "`\(text.printableLine)`"
    }
}

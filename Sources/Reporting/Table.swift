/// Rows under named columns, as text fitted to a terminal, as Markdown or as JSON.
package struct Table: Sendable {
    package enum Alignment: Sendable { case left, right }

    /// What may happen to a column where the terminal is too narrow.
    package enum Fit: Sendable {
        /// Nothing: ids and sizes are useless in parts.
        case whole
        /// The middle is left out: paths.
        case shrinks
        /// It goes on in the next line: sentences.
        case wraps
    }

    /// Where a column appears.
    package enum Reach: Int, Sendable, Comparable {
        /// In JSON alone.
        case programs
        /// Also in Markdown: what the headings of groups say in a text.
        case documents
        case everywhere

        package static func < (lhs: Reach, rhs: Reach) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    package struct Column: Sendable {
        package var title: String
        /// Key of the cells in JSON.
        package var key: String
        package var alignment: Alignment
        package var fit: Fit
        package var reach: Reach
        /// For the rows of a table that is written in portions.
        var leastWidth = 0

        package init(
            _ title: String, key: String? = nil, _ alignment: Alignment = .left, fit: Fit = .whole,
            in reach: Reach = .everywhere
        ) {
            self.title = title
            self.key = key ?? title
            self.alignment = alignment
            self.fit = fit
            self.reach = reach
        }
    }

    /// A cell as people read it and as programs do: a size is `1.36 GB` here and its exact bytes there.
    package struct Cell: Sendable, ExpressibleByStringLiteral {
        package var text: String
        package var value: JSONValue
        package var ink: Ink?

        package init(_ text: String, _ value: JSONValue? = nil, ink: Ink? = nil) {
            self.text = text
            self.value = value ?? .string(text)
            self.ink = ink
        }

        package init(stringLiteral text: String) {
            self.init(text)
        }
    }

    package var columns: [Column]
    package var rows: [[Cell]]
    /// Lines of a text above the first row of a group, by that row's index.
    package var headings: [Int: [String]] = [:]
    /// What a text says below a row, folded, by the row's index: where there is no room for a column.
    package var remarks: [Int: String] = [:]
    /// A last line that sums up; not part of the JSON, where programs sum up themselves.
    package var total: [Cell]?
    /// What is said instead of an empty table.
    package var empty: String
    /// Lines below the table.
    package var notes: [String]

    package init(
        _ columns: [Column], rows: [[Cell]], total: [Cell]? = nil, empty: String = "nothing", notes: [String] = []
    ) {
        self.columns = columns
        self.rows = rows
        self.total = total
        self.empty = empty
        self.notes = notes
    }

    /// The table in the format that was asked for, ending in a line break.
    package func rendered(as format: OutputFormat, _ style: Style) -> String {
        switch format {
        case .text: text(style)
        case .markdown: markdown
        case .json: json.pretty + "\n"
        }
    }

    /// The table with those columns alone that reach so far.
    func columns(reaching reach: Reach) -> Table {
        let indices = columns.indices.filter { columns[$0].reach >= reach }
        guard indices.count < columns.count else { return self }
        var table = self
        table.columns = indices.map { columns[$0] }
        table.rows = rows.map { row in indices.map { row[$0] } }
        table.total = total.map { total in indices.map { total[$0] } }
        return table
    }

    /// Array of objects, one per row; an empty table is an empty array.
    package var json: JSONValue {
        .array(rows.map(object))
    }

    /// The objects in it, without the brackets around them.
    var jsonItems: String {
        rows.map { "  " + object($0).pretty(at: 1) }.joined(separator: ",\n")
    }

    private func object(_ row: [Cell]) -> JSONValue {
        .object(zip(columns, row).map { ($0.key, $1.value) })
    }
}

/// What `--format` takes.
package enum OutputFormat: String, Sendable, CaseIterable {
    case text
    case json
    case markdown
}

extension Table {
    /// The table for a terminal of the style's width; only columns that may not shrink can make it wider.
    package func text(_ style: Style) -> String {
        columns(reaching: .everywhere).text(style, indent: 0, header: true)
    }

    func text(_ style: Style, indent: Int, header: Bool) -> String {
        guard !rows.isEmpty else { return ([empty] + notes).joined(separator: "\n") + "\n" }
        let widths = widths(room: style.width - indent, header: header)
        let rule = line(widths.map { Cell(String(repeating: style.rule, count: $0), ink: .dim) }, widths, style)
        var lines: [String] = []
        if header { lines += line(columns.map { Cell($0.title, ink: .bold) }, widths, style) + rule }
        for (index, row) in rows.enumerated() {
            for heading in headings[index] ?? [] { lines.append(style.paint(heading.printableLine, .bold)) }
            lines += line(row, widths, style)
            lines += remark(index, below: widths[0] + 2, style)
        }
        if let total { lines += rule + line(total, widths, style) }
        let margin = String.blanks(indent)
        var text = ""
        for line in lines { text += margin + line + "\n" }
        for note in notes { text += note + "\n" }
        return text
    }

    /// Under the second column.
    private func remark(_ index: Int, below margin: Int, _ style: Style) -> [String] {
        guard let remark = remarks[index]?.printableLine, !remark.isEmpty else { return [] }
        return remark.wrapped(to: max(20, style.width - margin)).map {
            .blanks(margin) + style.paint($0, .dim)
        }
    }

    /// Natural widths, with columns that may shrink made narrower, the widest first, until the table fits.
    private func widths(room: Int, header: Bool) -> [Int] {
        var widths = naturalWidths(header: header)
        let floors = columns.map { max(header ? $0.title.displayWidth : 0, 8) }
        var excess = widths.reduce(2 * (columns.count - 1), +) - room
        while excess > 0 {
            let flexible = columns.indices.filter { columns[$0].fit != .whole && widths[$0] > floors[$0] }
            guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    /// Of the rows, the title where it is shown, and what the column is given at least.
    func naturalWidths(header: Bool) -> [Int] {
        var widths = columns.map { max($0.leastWidth, header ? $0.title.displayWidth : 0) }
        for row in rows + (total.map { [$0] } ?? []) {
            for (index, cell) in zip(columns.indices, row) {
                widths[index] = max(widths[index], cell.text.printableLine.displayWidth)
            }
        }
        return widths
    }

    /// One row, which is several lines where a cell wraps.
    private func line(_ row: [Cell], _ widths: [Int], _ style: Style) -> [String] {
        if columns.allSatisfy({ $0.fit == .whole }) { return [wholeLine(row, widths, style)] }
        let cells = zip(row, columns.indices).map { cell, index in
            let text = cell.text.printableLine
            return switch columns[index].fit {
            case .whole: [text]
            case .shrinks: [text.ellipsized(to: widths[index], style)]
            case .wraps: text.wrapped(to: widths[index])
            }
        }
        return (0..<(cells.map(\.count).max() ?? 0)).map { height in
            cells.indices.map { index in
                let text = height < cells[index].count ? cells[index][height] : ""
                let padding = String.blanks(widths[index] - text.displayWidth)
                let painted = style.paint(text, row[index].ink)
                return columns[index].alignment == .left ? painted + padding : padding + painted
            }.joined(separator: "  ").trimmedEnd
        }
    }

    /// One row whose cells stay as they are.
    private func wholeLine(_ row: [Cell], _ widths: [Int], _ style: Style) -> String {
        var line = ""
        line.reserveCapacity(widths.reduce(2 * widths.count, +))
        for (index, cell) in row.enumerated() {
            let text = cell.text.printableLine
            let padding = String.blanks(widths[index] - text.displayWidth)
            if index > 0 { line += "  " }
            if columns[index].alignment == .right { line += padding }
            line += style.paint(text, cell.ink)
            if columns[index].alignment == .left { line += padding }
        }
        return line.trimmedEnd
    }
}

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

/// A table whose rows are made when they are written, a portion at a time, for lists that would fill the memory as
/// cells and text; what is written is the same as of a `Table`.
package struct LongTable {
    /// Columns, total, notes: everything but rows.
    package var frame: Table
    package var count: Int
    /// Rows with their headings and remarks, by their index in the portion.
    package var rows: (Range<Int>) -> Table

    private let portion: Int

    package init(_ frame: Table, count: Int, portion: Int = 1000, rows: @escaping (Range<Int>) -> Table) {
        self.frame = frame
        self.count = count
        self.portion = portion
        self.rows = rows
    }

    package func write(as format: OutputFormat, _ style: Style, to output: (String) throws -> Void) rethrows {
        guard count > 0 else { return try output(frame.rendered(as: format, style)) }
        let widths = format == .text ? naturalWidths : []
        if format == .json { try output("[\n") }
        for range in portions {
            var table = frame
            let some = rows(range)
            (table.rows, table.headings, table.remarks) = (some.rows, some.headings, some.remarks)
            let isFirst = range.lowerBound == 0
            let isLast = range.upperBound == count
            if !isLast { (table.total, table.notes) = (nil, []) }
            switch format {
            case .text:
                for (index, width) in widths.enumerated() { table.columns[index].leastWidth = width }
                try output(table.columns(reaching: .everywhere).text(style, indent: 0, header: isFirst))
            case .markdown:
                try output(table.columns(reaching: .documents).wholeMarkdown(header: isFirst))
            case .json:
                try output(table.jsonItems + (isLast ? "\n" : ",\n"))
            }
        }
        if format == .json { try output("]\n") }
    }

    /// Columns of a terminal in which its rows stand whole.
    package var naturalWidth: Int {
        let widths = zip(frame.columns, naturalWidths).filter { $0.0.reach >= .everywhere }.map(\.1)
        return widths.reduce(2 * (widths.count - 1), +)
    }

    private var naturalWidths: [Int] {
        portions.reduce(into: frame.naturalWidths(header: true)) { widths, range in
            var table = frame
            table.rows = rows(range).rows
            widths = zip(widths, table.naturalWidths(header: true)).map { max($0, $1) }
        }
    }

    private var portions: [Range<Int>] {
        stride(from: 0, to: count, by: portion).map { $0..<min($0 + portion, count) }
    }
}

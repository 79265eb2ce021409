/// Rows with named columns, rendered as text fitted to a terminal, as Markdown or as JSON.
package struct Table: Sendable {
    package enum Alignment: Sendable { case left, right }

    /// How a column adapts to a narrow terminal.
    package enum Fit: Sendable {
        /// The column keeps its width: partial ids and sizes are useless.
        case whole
        /// Cells are shortened in the middle, as for paths.
        case shrinks
        /// Cells wrap to the next line, as for sentences.
        case wraps
    }

    /// The outputs that include a column.
    package enum Reach: Int, Sendable, Comparable {
        /// JSON only.
        case programs
        /// JSON and Markdown: values that the text output shows in group headings.
        case documents
        case everywhere

        package static func < (lhs: Reach, rhs: Reach) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    package struct Column: Sendable {
        package var title: String
        /// Key of the column in JSON.
        package var key: String
        package var alignment: Alignment
        package var fit: Fit
        package var reach: Reach
        /// Minimum width, for a table that is written in batches.
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

    /// A cell with its text for people and its value for programs: `1.36 GB` as text, the exact bytes in JSON.
    package struct Cell: Sendable, ExpressibleByStringLiteral {
        package var text: String
        package var value: JSONValue
        package var ink: TextStyle?

        package init(_ text: String, _ value: JSONValue? = nil, ink: TextStyle? = nil) {
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
    /// Heading lines above the first row of a group in the text output, by the row's index.
    package var headings: [Int: [String]] = [:]
    /// Wrapped remarks below a row in the text output, by the row's index; for values that do not fit a column.
    package var remarks: [Int: String] = [:]
    /// The row with totals; not part of the JSON output, because programs can add up values themselves.
    package var total: [Cell]?
    /// Text shown instead of an empty table.
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

    /// The table in the requested format, ending in a line break.
    package func rendered(as format: OutputFormat, _ style: Style) -> String {
        switch format {
        case .text: text(style)
        case .markdown: markdown
        case .json: json.pretty + "\n"
        }
    }

    /// The table with only the columns that are visible at `reach`.
    func columns(reaching reach: Reach) -> Table {
        let indices = columns.indices.filter { columns[$0].reach >= reach }
        guard indices.count < columns.count else { return self }
        var table = self
        table.columns = indices.map { columns[$0] }
        table.rows = rows.map { row in indices.map { row[$0] } }
        table.total = total.map { total in indices.map { total[$0] } }
        return table
    }

    /// An array of objects, one per row; an empty table is an empty array.
    package var json: JSONValue {
        .array(rows.map(object))
    }

    /// The objects of the array without the enclosing brackets.
    var jsonItems: String {
        rows.map { "  " + object($0).pretty(at: 1) }.joined(separator: ",\n")
    }

    private func object(_ row: [Cell]) -> JSONValue {
        .object(zip(columns, row).map { ($0.key, $1.value) })
    }
}

/// The values of `--format`.
package enum OutputFormat: String, Sendable, CaseIterable {
    case text
    case json
    case markdown
}

extension Table {
    /// The table as text fitted to the style's width; only columns that cannot shrink can make it wider.
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

    /// The remark of a row, aligned with the second column.
    private func remark(_ index: Int, below margin: Int, _ style: Style) -> [String] {
        guard let remark = remarks[index]?.printableLine, !remark.isEmpty else { return [] }
        return remark.wrapped(to: max(20, style.width - margin)).map {
            .blanks(margin) + style.paint($0, .dim)
        }
    }

    /// Column widths: the natural widths, with flexible columns narrowed, the widest first, until the table fits.
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

    /// The width of each column without fitting: the maximum of its cells, its title if shown, and its minimum.
    func naturalWidths(header: Bool) -> [Int] {
        var widths = columns.map { max($0.leastWidth, header ? $0.title.displayWidth : 0) }
        for row in rows + (total.map { [$0] } ?? []) {
            for (index, cell) in zip(columns.indices, row) {
                widths[index] = max(widths[index], cell.text.printableLine.displayWidth)
            }
        }
        return widths
    }

    /// The lines of one row; more than one if a cell wraps.
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

    /// The line of a row whose cells are neither shortened nor wrapped.
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
    /// The table in GitHub Flavored Markdown, without shortening.
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
    /// The text on one line, with Markdown characters escaped.
    static func escaped(_ text: String) -> String {
        text.printableLine.reduce(into: "") { result, character in
            if #"\|<>*`["#.contains(character) { result.append("\\") }
            result.append(character)
        }
    }

    /// The text as a code span; a double fence is used if the text contains a backtick.
    static func code(_ text: String) -> String {
        text.contains("`") ? "`` \(text.printableLine) ``" : "`\(text.printableLine)`"
    }
}

/// A table whose rows are created in batches while it is written, for lists that would need too much memory as cells
/// and text. The output is the same as that of a `Table`.
package struct StreamedTable {
    /// The table without its rows: columns, total, notes.
    package var frame: Table
    package var count: Int
    /// Returns the rows of a range with their headings and remarks, which are indexed within the batch.
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

    /// Terminal columns needed to show all rows without shortening or wrapping.
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

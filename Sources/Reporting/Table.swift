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

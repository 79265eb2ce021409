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

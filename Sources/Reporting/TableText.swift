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

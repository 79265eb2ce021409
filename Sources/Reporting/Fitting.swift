/// Making a text as wide as it has to be, counted in columns of a terminal.
extension String {
    func padded(to width: Int, _ alignment: Table.Alignment = .left) -> String {
        let padding = String.blanks(width - displayWidth)
        return alignment == .left ? self + padding : padding + self
    }

    /// At most `width` columns: what does not fit is left out in the middle, because the ends tell paths and
    /// task names apart.
    func ellipsized(to width: Int, _ style: Style) -> String {
        guard displayWidth > width else { return self }
        let keep = width - style.ellipsis.displayWidth
        guard keep > 0 else { return clipped(to: width) }
        let tail = clippedStart(to: keep / 2)
        return clipped(to: keep - tail.displayWidth) + style.ellipsis + tail
    }

    /// The longest beginning that takes at most `width` columns.
    func clipped(to width: Int) -> String {
        var taken = 0
        return String(
            prefix {
                taken += $0.displayWidth
                return taken <= width
            })
    }

    private func clippedStart(to width: Int) -> String {
        var taken = 0
        let count = reversed().prefix {
            taken += $0.displayWidth
            return taken <= width
        }.count
        return String(suffix(count))
    }

    /// Lines of at most `width` columns, broken between words and, where a word alone is wider, within it.
    func wrapped(to width: Int) -> [String] {
        var lines = [""]
        for word in split(separator: " ").map(String.init) {
            let last = lines[lines.count - 1]
            if last.isEmpty || last.displayWidth + 1 + word.displayWidth <= width {
                lines[lines.count - 1] = last.isEmpty ? word : last + " " + word
            } else {
                lines.append(word)
            }
            while lines[lines.count - 1].displayWidth > width {
                let long = lines[lines.count - 1]
                let head = long.clipped(to: width)
                guard !head.isEmpty else { break }
                lines[lines.count - 1] = head
                lines.append(String(long.dropFirst(head.count)))
            }
        }
        return lines
    }

    /// So many blanks; those of usual tables are not made anew.
    static func blanks(_ count: Int) -> String {
        count < usualBlanks.count ? usualBlanks[Swift.max(0, count)] : String(repeating: " ", count: count)
    }

    private static let usualBlanks = (0...160).map { String(repeating: " ", count: $0) }

    var trimmedEnd: String {
        guard utf8.last == UInt8(ascii: " ") else { return self }
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }
}

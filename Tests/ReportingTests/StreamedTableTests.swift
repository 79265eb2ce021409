import Testing

@testable import Reporting

/// A table written in batches has the same output as a whole table.
@Suite("Long tables")
struct LongTableTests {
    static func table(_ rows: Int) -> Table {
        var table = Table(
            [.init("id"), .init("note", in: .documents), .init("size", .right), .init("raw", in: .programs)],
            rows: (0..<rows).map { number in
                [.init(String(repeating: "x", count: number + 1)), "n", .init("\(number)", .count(number)), "r"]
            }, total: ["total", "", "9", ""], empty: "none", notes: ["note"])
        for row in stride(from: 0, to: rows, by: 2) { table.headings[row] = ["group \(row)"] }
        for row in 0..<rows { table.remarks[row] = "remark \(row)" }
        return table
    }

    @Test("the output does not depend on the batch size", arguments: [0, 1, 3, 7], [1, 2, 3, 100])
    func portions(rows: Int, portion: Int) {
        let whole = Self.table(rows)
        var frame = whole
        (frame.rows, frame.headings, frame.remarks) = ([], [:], [:])
        let long = StreamedTable(frame, count: rows, portion: portion) { range in
            var some = Table([], rows: Array(whole.rows[range]))
            for row in range {
                some.headings[row - range.lowerBound] = whole.headings[row]
                some.remarks[row - range.lowerBound] = whole.remarks[row]
            }
            return some
        }
        for format in OutputFormat.allCases {
            var written = ""
            long.write(as: format, .piped) { written += $0 }
            #expect(written == whole.rendered(as: format, .piped))
        }
    }
}

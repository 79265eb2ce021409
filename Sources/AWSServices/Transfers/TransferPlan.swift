/// How a file is cut for a transfer, and how much of it is under way at the same time.
///
/// A transfer holds `parallel` pieces in memory, about twice: as bytes, and as what the HTTP library sends.
package struct TransferPlan: Sendable, Equatable {
    /// Bytes of each piece but the last.
    package var pieceSize: Int
    package var parallel: Int

    package init(pieceSize: Int = 8 << 20, parallel: Int = 3) {
        self.pieceSize = pieceSize
        self.parallel = parallel
    }

    /// The plan with pieces so large that S3's 10,000 parts suffice, each of at least 5 MiB, in whole MiB.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
    func fitting(_ size: Int) -> TransferPlan {
        let mebibyte = 1 << 20
        let needed = (size + 9_999) / 10_000
        let rounded = (max(pieceSize, needed, 5 * mebibyte) + mebibyte - 1) / mebibyte * mebibyte
        return TransferPlan(pieceSize: rounded, parallel: parallel)
    }

    /// The pieces of a file of `size` bytes, in order, numbered from 1.
    func pieces(of size: Int) -> [Piece] {
        stride(from: 0, to: size, by: pieceSize).enumerated().map { index, offset in
            Piece(number: index + 1, offset: offset, length: min(pieceSize, size - offset))
        }
    }
}

/// A piece of a file: the unit that is sent, checked and, after a crash, not sent again.
struct Piece: Sendable, Equatable {
    /// From 1, as S3 counts parts.
    var number: Int
    var offset: Int
    var length: Int
}

/// How far a transfer is.
package struct TransferProgress: Sendable, Equatable {
    /// Bytes that are over, those of an earlier run included.
    package var done: Int
    package var total: Int
    /// Bytes that an earlier run had transferred.
    package var resumed: Int
}

/// Works on items side by side, at most `width` at a time, and hands results over as they come, one at a time.
/// - Throws: the first error, after the others have been cancelled and have ended.
package func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item], width: Int, _ work: @escaping @Sendable (Item) async throws -> Result,
    each: (Result) throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Result.self) { group in
        var rest = items[...]
        for item in rest.prefix(width) { group.addTask { try await work(item) } }
        rest = rest.dropFirst(width)
        while let result = try await group.next() {
            try each(result)
            if let item = rest.popFirst() { group.addTask { try await work(item) } }
        }
    }
}

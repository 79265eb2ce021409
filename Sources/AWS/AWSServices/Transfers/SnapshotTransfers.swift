import AWSCore
import Crypto
import Glibc

/// Reads the disk of a snapshot into a sparse file, only what was ever written to it, with flat memory.
///
/// Every block is checked against AWS's checksum; blocks of zeros stay holes. The file gets its name only when all is
/// there; a journal beside it remembers which blocks are, so that a run after a crash fetches the others only.
package struct SnapshotDownload: Sendable {
    package var snapshotID: String
    package var file: String
    /// Blocks of 512 KiB under way at the same time. AWS gives an account 1,000 a second.
    /// Source: <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html>
    package var parallel: Int
    /// Bytes of the blocks that were ever written, where that is known: for the progress alone.
    package var expectedBytes: Int?

    package init(_ snapshotID: String, to file: String, expectedBytes: Int? = nil, parallel: Int = 24) {
        self.snapshotID = snapshotID
        self.file = file
        self.expectedBytes = expectedBytes
        self.parallel = parallel
    }

    package struct Output: Sendable, Equatable {
        /// Bytes of the disk, holes included: the length of the file.
        package var volumeBytes: Int
        /// Bytes of the blocks that AWS has.
        package var dataBytes: Int
    }

    package func run(
        with client: AWSClient, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> Output {
        var pages = client.pages(of: EBS.ListSnapshotBlocks(snapshotId: snapshotID)).makeAsyncIterator()
        guard let first = try await pages.next(), let volumeBytes = first.volumeSize.map({ $0 << 30 }),
            first.blockSize == EBS.blockSize
        else {
            throw IntegrityError(object: snapshotID, message: "AWS tells other sizes of it than are known here")
        }
        let identity = "\(snapshotID) \(volumeBytes)"
        try TransferJournal.forget(beside: file, unless: identity)
        let journal = try TransferJournal(beside: file, of: identity)
        let target = try TransferFile(journal.dataPath, size: volumeBytes)
        let dataBytes = try await fetch(first, then: pages, into: target, volumeBytes, journal, client, progress)
        try journal.finish(target, as: file)
        return Output(volumeBytes: volumeBytes, dataBytes: dataBytes)
    }

    /// Removes what a run has left that did not come to its end.
    package func abandon() { TransferJournal.abandon(beside: file) }

    private typealias Pages = AWSCore.Pages<EBS.ListSnapshotBlocks>.Iterator

    private enum Step: Sendable {
        case listed(EBS.ListSnapshotBlocks.Output?, Pages)
        case there(index: Int, checksum: String, wasThere: Bool)
    }

    /// So few listed blocks are left that the next page is asked for.
    private static let fewBlocks = 1000

    /// Pages are listed while the blocks of the one before are fetched, and never far ahead of them.
    private func fetch(
        _ first: EBS.ListSnapshotBlocks.Output, then pages: Pages, into target: TransferFile, _ volumeBytes: Int,
        _ journal: TransferJournal, _ client: AWSClient, _ progress: (TransferProgress) -> Void
    ) async throws -> Int {
        var state = TransferProgress(done: 0, total: expectedBytes ?? volumeBytes, resumed: 0)
        try await withThrowingTaskGroup(of: Step.self) { group in
            var waiting = (first.blocks ?? [])[...]
            var rest: Pages? = pages
            var underWay = 0
            while true {
                if waiting.count < Self.fewBlocks, let pages = rest {
                    rest = nil
                    group.addTask {
                        var pages = pages
                        let page = try await pages.next()
                        return .listed(page, pages)
                    }
                }
                while underWay < parallel, let block = waiting.popFirst() {
                    underWay += 1
                    let known = journal.known[block.blockIndex]
                    group.addTask { try await fetch(block, known, into: target, volumeBytes, client) }
                }
                guard let step = try await group.next() else { break }
                switch step {
                case .listed(let page?, let pages):
                    waiting += page.blocks ?? []
                    rest = pages
                case .listed(nil, _): break
                case .there(let index, let checksum, let wasThere):
                    underWay -= 1
                    if !wasThere { try journal.add(index, checksum) }
                    state.done += EBS.blockSize
                    if wasThere { state.resumed += EBS.blockSize }
                    state.total = max(state.total, state.done)
                    progress(state)
                }
            }
        }
        progress(TransferProgress(done: state.done, total: state.done, resumed: state.resumed))
        return state.done
    }

    /// - Parameter known: the checksum of the block that an earlier run has written.
    private func fetch(
        _ block: EBS.Block, _ known: String?, into target: TransferFile, _ volumeBytes: Int, _ client: AWSClient
    ) async throws -> Step {
        try Task.checkCancellation()
        let index = block.blockIndex
        let piece = Piece(number: index, offset: index * EBS.blockSize, length: EBS.blockSize)
        guard index >= 0, piece.offset + piece.length <= volumeBytes else {
            throw IntegrityError(object: snapshotID, message: "block \(index) lies outside of its disk")
        }
        if let known, EBS.checksum(of: try target.read(piece)) == known {
            return .there(index: index, checksum: known, wasThere: true)
        }
        let answer = try await read(block, client)
        guard answer.blockData.count == EBS.blockSize else {
            throw IntegrityError(object: snapshotID, message: "block \(index) has \(answer.blockData.count) bytes")
        }
        // What an earlier run was killed over may lie there already.
        if known != nil || !isZero(answer.blockData) { try target.write(answer.blockData, at: piece.offset) }
        return .there(index: index, checksum: answer.checksum, wasThere: false)
    }

    /// Tokens of blocks end after a week; then the block is listed anew.
    private func read(_ block: EBS.Block, _ client: AWSClient) async throws -> EBS.GetSnapshotBlock.Output {
        var get = EBS.GetSnapshotBlock(
            snapshotId: snapshotID, blockIndex: block.blockIndex, blockToken: block.blockToken)
        do { return try await client.call(get) } catch let error as AWSError where error.code == "ValidationException" {
            var list = EBS.ListSnapshotBlocks(snapshotId: snapshotID)
            list.startingBlockIndex = block.blockIndex
            list.maxResults = Self.leastPage
            let renewed = try await client.call(list).blocks?.first { $0.blockIndex == block.blockIndex }
            guard let renewed, renewed.blockToken != block.blockToken else { throw error }
            get.blockToken = renewed.blockToken
            return try await client.call(get)
        }
    }

    private static let leastPage = 100
}

/// Compares with itself, moved by one: as fast as memory is.
func isZero(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress else { return true }
        return buffer[0] == 0 && memcmp(start, start + 1, buffer.count - 1) == 0
    }
}

/// Writes a raw disk to a snapshot that was started for it, only the blocks that are not zeros, with flat memory.
///
/// Every block carries its SHA-256, and the whole is sealed with the digest of them all, so that AWS refuses a snapshot
/// that is not what the file was when it was looked through.
package struct SnapshotUpload: Sendable {
    package var file: String
    package var blocks: DiskBlocks
    package var snapshotID: String
    /// Blocks of 512 KiB under way at the same time.
    package var parallel: Int

    package init(_ file: String, _ blocks: DiskBlocks, to snapshotID: String, parallel: Int = 24) {
        self.file = file
        self.blocks = blocks
        self.snapshotID = snapshotID
        self.parallel = parallel
    }

    /// - Throws: `FileChanged` where the file is not what was looked through any more.
    package func run(
        with client: AWSClient, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws {
        let source = try TransferFile(file)
        let before = try source.state()
        var state = TransferProgress(done: 0, total: blocks.dataBytes, resumed: 0)
        var checksums: [Int: SHA256Checksum] = [:]
        try await inParallel(blocks.indexes, width: parallel) { index in
            (index, try await put(index, of: source, client))
        } each: { index, checksum in
            checksums[index] = checksum
            state.done += EBS.blockSize
            progress(state)
        }
        guard try source.state() == before, Self.linear(blocks.indexes.compactMap { checksums[$0] }) == blocks.checksum
        else { throw FileChanged(path: file) }
        _ = try await client.call(
            EBS.CompleteSnapshot(
                snapshotId: snapshotID, changedBlocksCount: blocks.indexes.count, checksum: blocks.checksum))
    }

    private func put(_ index: Int, of source: TransferFile, _ client: AWSClient) async throws -> SHA256Checksum {
        try Task.checkCancellation()
        let put = EBS.PutSnapshotBlock(
            snapshotId: snapshotID, blockIndex: index,
            blockData: try source.read(block: index, of: blocks.fileBytes))
        guard let checksum = SHA256Checksum(base64: try await client.call(put).checksum) else {
            throw IntegrityError(object: snapshotID, message: "AWS tells no checksum of block \(index)")
        }
        return checksum
    }

    static func linear(_ checksums: [SHA256Checksum]) -> String {
        SHA256Checksum(of: checksums.flatMap(\.bytes)).base64
    }
}

/// What of a raw disk has to be written to a snapshot: the blocks that are not zeros, and what they amount to.
package struct DiskBlocks: Sendable, Equatable {
    /// Of the file, holes included.
    package var fileBytes: Int
    /// In ascending order.
    package var indexes: [Int]
    /// SHA-256, in Base64, of the checksums of all blocks in order: AWS's LINEAR aggregation.
    package var checksum: String

    /// GiB of the volume, rounded up.
    package var volumeGiB: Int { (fileBytes + (1 << 30) - 1) >> 30 }
    package var dataBytes: Int { indexes.count * EBS.blockSize }

    /// Looks through the parts of a file that are no holes.
    /// - Throws: `TransferFileError`; `CancellationError`.
    package init(
        of path: String, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws {
        let file = try TransferFile(path)
        fileBytes = try file.state().size
        indexes = []
        var hash = SHA256()
        for index in try Self.candidates(path, fileBytes) {
            try Task.checkCancellation()
            await Task.yield()
            let block = try file.read(block: index, of: fileBytes)
            if !isZero(block) {
                indexes.append(index)
                SHA256.hash(data: block).withUnsafeBytes { hash.update(bufferPointer: $0) }
            }
            progress(TransferProgress(done: index * EBS.blockSize, total: fileBytes, resumed: 0))
        }
        progress(TransferProgress(done: fileBytes, total: fileBytes, resumed: 0))
        checksum = base64Text(Array(hash.finalize()))
    }

    /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2), macros that Swift does not see.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// Indexes of blocks that may have data in them, in ascending order.
    private static func candidates(_ path: String, _ size: Int) throws -> [Int] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TransferFileError("read", path) }
        defer { close(descriptor) }
        var indexes: [Int] = []
        var position: off_t = 0
        while position < size {
            let start = lseek(descriptor, position, seekData)
            // No data after this place.
            if start < 0, errno == ENXIO { break }
            let end = start < 0 ? -1 : lseek(descriptor, start, seekHole)
            guard end >= 0 else { throw TransferFileError("read", path) }
            let next = (indexes.last ?? -1) + 1
            indexes += max(next, Int(start) / EBS.blockSize)...max(next, (Int(end) - 1) / EBS.blockSize)
            position = end
        }
        return indexes.filter { $0 * EBS.blockSize < size }
    }
}

extension TransferFile {
    /// A block of a disk; behind the end of the file there are zeros.
    func read(block index: Int, of size: Int) throws -> [UInt8] {
        let offset = index * EBS.blockSize
        let length = min(EBS.blockSize, size - offset)
        let bytes = try read(Piece(number: index, offset: offset, length: length))
        return length == EBS.blockSize ? bytes : bytes + [UInt8](repeating: 0, count: EBS.blockSize - length)
    }
}

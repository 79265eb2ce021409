import AWSCore
import Digests
import Glibc

/// Downloads the disk of a snapshot to a sparse file, with constant memory use. Only blocks that were ever written are
/// fetched.
///
/// Every block is verified against AWS's checksum; blocks of zeros stay holes. The file is renamed to its destination
/// once it is complete. A journal records the finished blocks, so that after a crash only the missing ones are fetched.
package struct SnapshotDownload: Sendable {
    package var snapshotID: String
    package var file: String
    /// Number of blocks of 512 KiB in flight. AWS allows an account 1,000 requests per second.
    /// Source: <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-resource-quotas.html>
    package var parallel: Int
    /// Total bytes of the written blocks, if known; used only for progress.
    package var expectedBytes: Int?

    package init(_ snapshotID: String, to file: String, expectedBytes: Int? = nil, parallel: Int = 24) {
        self.snapshotID = snapshotID
        self.file = file
        self.expectedBytes = expectedBytes
        self.parallel = parallel
    }

    package struct Output: Sendable, Equatable {
        /// Size of the disk, and thus of the file, in bytes, holes included.
        package var volumeBytes: Int
        /// Total bytes of the blocks in the snapshot.
        package var dataBytes: Int
    }

    package func run(
        with client: AWSClient, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> Output {
        var pages = client.pages(of: EBS.ListSnapshotBlocks(snapshotId: snapshotID)).makeAsyncIterator()
        guard let first = try await pages.next(), let volumeBytes = first.volumeSize.map({ $0 << 30 }),
            first.blockSize == EBS.blockSize
        else {
            throw IntegrityError(object: snapshotID, message: "AWS returned an unexpected volume or block size")
        }
        let identity = "\(snapshotID) \(volumeBytes)"
        try TransferJournal.forget(beside: file, unless: identity)
        let journal = try TransferJournal(beside: file, of: identity)
        let target = try TransferFile(journal.dataPath, size: volumeBytes)
        let dataBytes = try await fetch(first, then: pages, into: target, volumeBytes, journal, client, progress)
        try journal.finish(target, as: file)
        return Output(volumeBytes: volumeBytes, dataBytes: dataBytes)
    }

    /// Removes the leftovers of an unfinished run.
    package func abandon() { TransferJournal.abandon(beside: file) }

    private typealias Pages = AWSCore.Pages<EBS.ListSnapshotBlocks>.Iterator

    private enum Step: Sendable {
        case listed(EBS.ListSnapshotBlocks.Output?, Pages)
        case finished(index: Int, checksum: String, wasKnown: Bool)
    }

    /// When fewer listed blocks than this remain, the next page is fetched.
    private static let fewBlocks = 1000

    /// Lists the next page while the blocks of the previous one are fetched, but never far ahead.
    private func fetch(
        _ first: EBS.ListSnapshotBlocks.Output, then pages: Pages, into target: TransferFile, _ volumeBytes: Int,
        _ journal: TransferJournal, _ client: AWSClient, _ progress: (TransferProgress) -> Void
    ) async throws -> Int {
        var state = TransferProgress(done: 0, total: expectedBytes ?? volumeBytes, resumed: 0)
        try await withThrowingTaskGroup(of: Step.self) { group in
            var waiting = (first.blocks ?? [])[...]
            var rest: Pages? = pages
            var inFlight = 0
            while true {
                if waiting.count < Self.fewBlocks, let pages = rest {
                    rest = nil
                    group.addTask {
                        var pages = pages
                        let page = try await pages.next()
                        return .listed(page, pages)
                    }
                }
                while inFlight < parallel, let block = waiting.popFirst() {
                    inFlight += 1
                    let known = journal.known[block.blockIndex]
                    group.addTask { try await fetch(block, known, into: target, volumeBytes, client) }
                }
                guard let step = try await group.next() else { break }
                switch step {
                case .listed(let page?, let pages):
                    waiting += page.blocks ?? []
                    rest = pages
                case .listed(nil, _): break
                case .finished(let index, let checksum, let wasKnown):
                    inFlight -= 1
                    if !wasKnown { try journal.add(index, checksum) }
                    state.done += EBS.blockSize
                    if wasKnown { state.resumed += EBS.blockSize }
                    state.total = max(state.total, state.done)
                    progress(state)
                }
            }
        }
        progress(TransferProgress(done: state.done, total: state.done, resumed: state.resumed))
        return state.done
    }

    /// - Parameter known: the checksum of the block if an earlier run wrote it.
    private func fetch(
        _ block: EBS.Block, _ known: String?, into target: TransferFile, _ volumeBytes: Int, _ client: AWSClient
    ) async throws -> Step {
        try Task.checkCancellation()
        let index = block.blockIndex
        let piece = Piece(number: index, offset: index * EBS.blockSize, length: EBS.blockSize)
        guard index >= 0, piece.offset + piece.length <= volumeBytes else {
            throw IntegrityError(object: snapshotID, message: "block \(index) is outside the volume")
        }
        if let known, EBS.checksum(of: try target.read(piece)) == known {
            return .finished(index: index, checksum: known, wasKnown: true)
        }
        let answer = try await read(block, client)
        guard answer.blockData.count == EBS.blockSize else {
            throw IntegrityError(object: snapshotID, message: "block \(index) has \(answer.blockData.count) bytes")
        }
        // An interrupted earlier run may have left data there, so zeros are written then too.
        if known != nil || !isZero(answer.blockData) { try target.write(answer.blockData, at: piece.offset) }
        return .finished(index: index, checksum: answer.checksum, wasKnown: false)
    }

    /// Reads a block. Block tokens expire after a week; then the block is listed again.
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

/// Compares the bytes with themselves, shifted by one, which is as fast as memory.
func isZero(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress else { return true }
        return buffer[0] == 0 && memcmp(start, start + 1, buffer.count - 1) == 0
    }
}

/// Writes the non-zero blocks of a raw disk to a started snapshot, with constant memory use.
///
/// Every block carries its SHA-256, and the snapshot is completed with the digest of them all, so AWS rejects a
/// snapshot that differs from the file as it was scanned.
package struct SnapshotUpload: Sendable {
    package var file: String
    package var blocks: DiskBlocks
    package var snapshotID: String
    /// Number of blocks of 512 KiB in flight.
    package var parallel: Int

    package init(_ file: String, _ blocks: DiskBlocks, to snapshotID: String, parallel: Int = 24) {
        self.file = file
        self.blocks = blocks
        self.snapshotID = snapshotID
        self.parallel = parallel
    }

    /// - Throws: `FileChanged` if the file changed since it was scanned.
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
            throw IntegrityError(object: snapshotID, message: "AWS returned no checksum for block \(index)")
        }
        return checksum
    }

    static func linear(_ checksums: [SHA256Checksum]) -> String {
        SHA256Checksum(of: checksums.flatMap(\.bytes)).base64
    }
}

/// The blocks of a raw disk to write to a snapshot, which are those with data, and their combined checksum.
package struct DiskBlocks: Sendable, Equatable {
    /// Size of the file in bytes, holes included.
    package var fileBytes: Int
    /// Indexes of the blocks with data, in ascending order.
    package var indexes: [Int]
    /// SHA-256 of the checksums of all blocks in order (AWS's LINEAR aggregation), in Base64.
    package var checksum: String

    /// Size of the volume in GiB, rounded up.
    package var volumeGiB: Int { (fileBytes + (1 << 30) - 1) >> 30 }
    package var dataBytes: Int { indexes.count * EBS.blockSize }

    /// Scans the parts of a file that are not holes.
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
                hash.update(data: SHA256.hash(data: block))
            }
            progress(TransferProgress(done: index * EBS.blockSize, total: fileBytes, resumed: 0))
        }
        progress(TransferProgress(done: fileBytes, total: fileBytes, resumed: 0))
        checksum = base64Text(hash.finalize())
    }

    /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2), macros that Swift does not import.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// Indexes of blocks that may contain data, in ascending order.
    private static func candidates(_ path: String, _ size: Int) throws -> [Int] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TransferFileError("read", path) }
        defer { close(descriptor) }
        var indexes: [Int] = []
        var position: off_t = 0
        while position < size {
            let start = lseek(descriptor, position, seekData)
            // No data after this position.
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
    /// Reads a block of a disk, padded with zeros after the end of the file.
    func read(block index: Int, of size: Int) throws -> [UInt8] {
        let offset = index * EBS.blockSize
        let length = min(EBS.blockSize, size - offset)
        let bytes = try read(Piece(number: index, offset: offset, length: length))
        return length == EBS.blockSize ? bytes : bytes + [UInt8](repeating: 0, count: EBS.blockSize - length)
    }
}

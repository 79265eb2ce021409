import AWSCore
import Crypto

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

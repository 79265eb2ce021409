import AWSCore
import Crypto
import Glibc

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

import AWSCore
import Glibc

/// Uploads a file of any size to S3, with constant memory use.
///
/// Each part is hashed once, for its signature and as the checksum that S3 stores; the object's final checksum must be
/// the digest of these. After a crash, the next run finds the unfinished upload and sends only the missing parts. If S3
/// becomes unreachable, the uploaded parts stay for that next run. Cancellation removes them.
package struct FileUpload: Sendable {
    package var file: String
    package var bucket: String
    package var key: String
    package var cacheControl: String?
    package var contentType: String?
    package var metadata: [String: String]
    package var plan: TransferPlan

    package init(
        _ file: String, to bucket: String, _ key: String, cacheControl: String? = nil, contentType: String? = nil,
        metadata: [String: String] = [:], plan: TransferPlan = .init()
    ) {
        self.file = file
        self.bucket = bucket
        self.key = key
        self.cacheControl = cacheControl
        self.contentType = contentType
        self.metadata = metadata
        self.plan = plan
    }

    package struct Output: Sendable, Equatable {
        package var eTag: String
        /// Size in bytes.
        package var size: Int
        /// SHA-256 in Base64: of the whole object or, followed by the number of parts, of the parts' digests.
        package var checksum: String
    }

    package func run(
        with client: AWSClient, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> Output {
        let source = try TransferFile(file)
        let before = try source.state()
        let plan = plan.fitting(before.size)
        let pieces = plan.pieces(of: before.size)
        guard pieces.count > 1 else { return try await put(try source.read(pieces.first ?? .empty), client, progress) }

        let upload = try await unfinished(client, pieces)
        do {
            let parts = try await send(pieces, of: source, in: upload, plan, client, progress)
            guard try source.state() == before else { throw FileChanged(path: file) }
            return try await complete(upload, parts, before.size, client)
        } catch let error where Task.isCancelled || error is CancellationError || error is FileChanged {
            try? await Task { try await abort(upload.id, client) }.value
            throw error
        }
    }

    /// Aborts the unfinished uploads of this key and removes their parts.
    package func abandon(with client: AWSClient) async throws {
        for upload in try await openUploads(client) { try await abort(upload.uploadId, client) }
    }

    // Small files

    private func put(
        _ body: [UInt8], _ client: AWSClient, _ progress: (TransferProgress) -> Void
    ) async throws -> Output {
        var put = S3.PutObject(bucket: bucket, key: key, body: body, contentType: contentType)
        let checksum = SHA256Checksum(of: body).base64
        put.checksumSHA256 = checksum
        put.cacheControl = cacheControl
        put.metadata = metadata
        let stored = try await client.call(put)
        try verify(stored.checksumSHA256, checksum)
        progress(TransferProgress(done: body.count, total: body.count, resumed: 0))
        return Output(eTag: stored.eTag, size: body.count, checksum: checksum)
    }

    // Large ones

    private struct OpenUpload: Sendable {
        var id: String
        /// The parts listed by S3, by number.
        var parts: [Int: S3.Part]
    }

    /// The unfinished upload of an earlier run if its part sizes match, otherwise a new one.
    private func unfinished(_ client: AWSClient, _ pieces: [Piece]) async throws -> OpenUpload {
        let lengths = Dictionary(uniqueKeysWithValues: pieces.map { ($0.number, $0.length) })
        for upload in try await openUploads(client).sorted(by: { $0.initiated > $1.initiated })
        where upload.checksumAlgorithm == "SHA256" {
            var parts: [Int: S3.Part] = [:]
            for try await part in client.items(
                of: S3.ListParts(bucket: bucket, key: key, uploadId: upload.uploadId))
            { parts[part.partNumber] = part }
            if parts.values.allSatisfy({ lengths[$0.partNumber] == $0.size }) {
                return OpenUpload(id: upload.uploadId, parts: parts)
            }
        }
        var create = S3.CreateMultipartUpload(
            bucket: bucket, key: key, contentType: contentType, checksumAlgorithm: "SHA256", checksumType: "COMPOSITE")
        create.cacheControl = cacheControl
        create.metadata = metadata
        let created = try await client.call(create)
        return OpenUpload(id: created.uploadId, parts: [:])
    }

    private func openUploads(_ client: AWSClient) async throws -> [S3.Upload] {
        var uploads: [S3.Upload] = []
        for try await upload in client.items(of: S3.ListMultipartUploads(bucket: bucket, prefix: key))
        where upload.key == key { uploads.append(upload) }
        return uploads
    }

    private struct SentPart: Sendable {
        var piece: Piece
        var part: S3.CompletedPart
        var checksum: SHA256Checksum
        var wasUploaded: Bool
    }

    private func send(
        _ pieces: [Piece], of source: TransferFile, in upload: OpenUpload, _ plan: TransferPlan, _ client: AWSClient,
        _ progress: (TransferProgress) -> Void
    ) async throws -> [SentPart] {
        var sent: [SentPart] = []
        var state = TransferProgress(done: 0, total: pieces.reduce(0) { $0 + $1.length }, resumed: 0)
        try await inParallel(pieces, width: plan.parallel) { piece in
            try await send(piece, of: source, in: upload, client)
        } each: { part in
            sent.append(part)
            state.done += part.piece.length
            if part.wasUploaded { state.resumed += part.piece.length }
            progress(state)
        }
        return sent.sorted { $0.piece.number < $1.piece.number }
    }

    private func send(
        _ piece: Piece, of source: TransferFile, in upload: OpenUpload, _ client: AWSClient
    ) async throws -> SentPart {
        try Task.checkCancellation()
        let body = try source.read(piece)
        let checksum = SHA256Checksum(of: body)
        let tag: String
        let existing = upload.parts[piece.number]
        if let existing, existing.checksumSHA256 == checksum.base64 {
            tag = existing.eTag
        } else {
            var part = S3.UploadPart(
                bucket: bucket, key: key, uploadId: upload.id, partNumber: piece.number, body: body)
            part.checksumSHA256 = checksum.base64
            let stored = try await client.call(part)
            try verify(stored.checksumSHA256, checksum.base64)
            tag = stored.eTag
        }
        let part = S3.CompletedPart(partNumber: piece.number, eTag: tag, checksumSHA256: checksum.base64)
        return SentPart(
            piece: piece, part: part, checksum: checksum, wasUploaded: existing?.checksumSHA256 == checksum.base64)
    }

    private func complete(
        _ upload: OpenUpload, _ parts: [SentPart], _ size: Int, _ client: AWSClient
    ) async throws -> Output {
        let checksum = SHA256Checksum.composite(of: parts.map(\.checksum))
        var complete = S3.CompleteMultipartUpload(
            bucket: bucket, key: key, uploadId: upload.id, parts: parts.map(\.part))
        complete.checksumSHA256 = checksum
        complete.checksumType = "COMPOSITE"
        complete.mpuObjectSize = size
        let stored = try await client.call(complete)
        try verify(stored.checksumSHA256, checksum)
        return Output(eTag: stored.eTag, size: size, checksum: checksum)
    }

    private func abort(_ id: String, _ client: AWSClient) async throws {
        _ = try await client.call(S3.AbortMultipartUpload(bucket: bucket, key: key, uploadId: id))
    }

    private func verify(_ stored: String?, _ expected: String) throws {
        guard stored == nil || stored == expected else {
            throw IntegrityError(
                object: "s3://\(bucket)/\(key)",
                message: "S3 stored different bytes (SHA-256 \(stored!)) than were sent")
        }
    }
}

extension Piece {
    /// The only piece of an empty file.
    static let empty = Piece(number: 1, offset: 0, length: 0)
}

/// How a file is split for a transfer, and how many pieces are in flight.
///
/// A transfer holds `parallel` pieces in memory about twice: as bytes, and in the buffers of the HTTP library.
package struct TransferPlan: Sendable, Equatable {
    /// Size in bytes of each piece except the last.
    package var pieceSize: Int
    package var parallel: Int

    package init(pieceSize: Int = 8 << 20, parallel: Int = 3) {
        self.pieceSize = pieceSize
        self.parallel = parallel
    }

    /// Returns the plan with pieces large enough for S3's limit of 10,000 parts, at least 5 MiB each, in whole MiB.
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

/// A piece of a file: the unit of transfer, verification and resumption after a crash.
struct Piece: Sendable, Equatable {
    /// Number from 1, like the part numbers of S3.
    var number: Int
    var offset: Int
    var length: Int
}

/// Progress of a transfer.
package struct TransferProgress: Sendable, Equatable {
    /// Bytes transferred, including those of an earlier run.
    package var done: Int
    package var total: Int
    /// Bytes transferred by an earlier run.
    package var resumed: Int
}

/// Processes items concurrently, at most `width` at a time, and passes each result to `each` as it arrives, one at a
/// time.
/// - Throws: the first error, after the other tasks have been cancelled and have ended.
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

/// A file whose pieces are read or written concurrently.
final class TransferFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// - Parameter size: opens the file for writing and resizes it to this size; `nil` opens it for reading.
    init(_ path: String, size: Int? = nil) throws {
        self.path = path
        descriptor = open(path, size == nil ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw TransferFileError(size == nil ? "read" : "write", path) }
        if let size, ftruncate(descriptor, size) != 0 { throw TransferFileError("write", path) }
    }

    deinit { close(descriptor) }

    /// Size in bytes and modification time, which change when the file is written.
    func state() throws -> FileState {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw TransferFileError("read", path) }
        return FileState(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// - Throws: `FileChanged` if the file has become shorter.
    func read(_ piece: Piece) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: piece.length) { buffer, count in
            while count < piece.length {
                let got = pread(
                    descriptor, buffer.baseAddress! + count, piece.length - count, off_t(piece.offset + count))
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw TransferFileError("read", path) }
                guard got > 0 else { throw FileChanged(path: path) }
                count += got
            }
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { buffer in
            var count = 0
            while count < buffer.count {
                let put = pwrite(descriptor, buffer.baseAddress! + count, buffer.count - count, off_t(offset + count))
                if put < 0, errno == EINTR { continue }
                guard put >= 0 else { throw TransferFileError("write", path) }
                count += put
            }
        }
    }

    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw TransferFileError("write", path) }
    }
}

struct FileState: Sendable, Equatable {
    var size: Int
    var seconds: Int
    var nanoseconds: Int
}

/// A failed system call on a transferred file.
package struct TransferFileError: Error, Sendable, Equatable, CustomStringConvertible {
    package var action: String
    package var path: String
    package var code: Int32

    init(_ action: String, _ path: String, code: Int32 = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    package var description: String { "cannot \(action) \(path): \(String(cString: strerror(code)))" }
}

/// A file that changed during the upload, so that the stored object would mix two versions.
package struct FileChanged: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var description: String { "\(path) changed during the upload" }
}

/// Received data that does not match the stored data.
package struct IntegrityError: Error, Sendable, Equatable, CustomStringConvertible {
    package var object: String
    package var message: String
    package var description: String { "\(object): \(message)" }
}

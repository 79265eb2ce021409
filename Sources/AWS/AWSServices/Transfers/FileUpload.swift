import AWSCore
import Glibc

/// Sends a file to S3, whatever its size, with flat memory.
///
/// Each part is hashed once, for its signature and as the checksum that S3 keeps; what S3 has at the end must be the
/// digest of these. A run after a crash finds the unfinished upload and sends only what is not there yet; where S3
/// cannot be reached any more, what was sent stays for that. Cancelling removes it.
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
        /// Bytes.
        package var size: Int
        /// SHA-256 in Base64, of the whole or, with a number of parts behind it, of the parts' digests.
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

    /// Removes what unfinished uploads of this key have sent.
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

    private struct Unfinished: Sendable {
        var id: String
        /// By number, as S3 lists them.
        var parts: [Int: S3.Part]
    }

    /// The upload that an earlier run left, where it was cut in the same way, else a new one.
    private func unfinished(_ client: AWSClient, _ pieces: [Piece]) async throws -> Unfinished {
        let lengths = Dictionary(uniqueKeysWithValues: pieces.map { ($0.number, $0.length) })
        for upload in try await openUploads(client).sorted(by: { $0.initiated > $1.initiated })
        where upload.checksumAlgorithm == "SHA256" {
            var parts: [Int: S3.Part] = [:]
            for try await part in client.items(
                of: S3.ListParts(bucket: bucket, key: key, uploadId: upload.uploadId))
            { parts[part.partNumber] = part }
            if parts.values.allSatisfy({ lengths[$0.partNumber] == $0.size }) {
                return Unfinished(id: upload.uploadId, parts: parts)
            }
        }
        var create = S3.CreateMultipartUpload(
            bucket: bucket, key: key, contentType: contentType, checksumAlgorithm: "SHA256", checksumType: "COMPOSITE")
        create.cacheControl = cacheControl
        create.metadata = metadata
        let created = try await client.call(create)
        return Unfinished(id: created.uploadId, parts: [:])
    }

    private func openUploads(_ client: AWSClient) async throws -> [S3.Upload] {
        var uploads: [S3.Upload] = []
        for try await upload in client.items(of: S3.ListMultipartUploads(bucket: bucket, prefix: key))
        where upload.key == key { uploads.append(upload) }
        return uploads
    }

    private struct Sent: Sendable {
        var piece: Piece
        var part: S3.CompletedPart
        var checksum: SHA256Checksum
        var wasThere: Bool
    }

    private func send(
        _ pieces: [Piece], of source: TransferFile, in upload: Unfinished, _ plan: TransferPlan, _ client: AWSClient,
        _ progress: (TransferProgress) -> Void
    ) async throws -> [Sent] {
        var sent: [Sent] = []
        var state = TransferProgress(done: 0, total: pieces.reduce(0) { $0 + $1.length }, resumed: 0)
        try await inParallel(pieces, width: plan.parallel) { piece in
            try await send(piece, of: source, in: upload, client)
        } each: { part in
            sent.append(part)
            state.done += part.piece.length
            if part.wasThere { state.resumed += part.piece.length }
            progress(state)
        }
        return sent.sorted { $0.piece.number < $1.piece.number }
    }

    private func send(
        _ piece: Piece, of source: TransferFile, in upload: Unfinished, _ client: AWSClient
    ) async throws -> Sent {
        try Task.checkCancellation()
        let body = try source.read(piece)
        let checksum = SHA256Checksum(of: body)
        let tag: String
        let there = upload.parts[piece.number]
        if let there, there.checksumSHA256 == checksum.base64 {
            tag = there.eTag
        } else {
            var part = S3.UploadPart(
                bucket: bucket, key: key, uploadId: upload.id, partNumber: piece.number, body: body)
            part.checksumSHA256 = checksum.base64
            let stored = try await client.call(part)
            try verify(stored.checksumSHA256, checksum.base64)
            tag = stored.eTag
        }
        let part = S3.CompletedPart(partNumber: piece.number, eTag: tag, checksumSHA256: checksum.base64)
        return Sent(
            piece: piece, part: part, checksum: checksum, wasThere: there?.checksumSHA256 == checksum.base64)
    }

    private func complete(
        _ upload: Unfinished, _ parts: [Sent], _ size: Int, _ client: AWSClient
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
                message: "S3 has stored other bytes (SHA-256 \(stored!)) than were sent")
        }
    }
}

extension Piece {
    /// The only piece of an empty file.
    static let empty = Piece(number: 1, offset: 0, length: 0)
}

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

/// A file of which pieces are read or written by several tasks at once.
final class TransferFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// - Parameter size: opens for writing and gives the file this size; `nil` opens for reading.
    init(_ path: String, size: Int? = nil) throws {
        self.path = path
        descriptor = open(path, size == nil ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw TransferFileError(size == nil ? "read" : "write", path) }
        if let size, ftruncate(descriptor, size) != 0 { throw TransferFileError("write", path) }
    }

    deinit { close(descriptor) }

    /// Size in bytes, and what changes when somebody writes to it.
    func state() throws -> FileState {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw TransferFileError("read", path) }
        return FileState(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// - Throws: where the file has become shorter.
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

/// A system call on a transferred file failed.
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

/// The file changed while it was sent, so that what lies in S3 would be a mixture.
package struct FileChanged: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var description: String { "\(path) changed while it was sent" }
}

/// Bytes that arrived are not those that were stored.
package struct IntegrityError: Error, Sendable, Equatable, CustomStringConvertible {
    package var object: String
    package var message: String
    package var description: String { "\(object): \(message)" }
}

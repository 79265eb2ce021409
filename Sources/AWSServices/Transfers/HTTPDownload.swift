import AWSCore
import Crypto
import FoundationEssentials

/// Fetches a public file over plain HTTP, in ranges side by side, with flat memory.
///
/// Works as `FileDownload` does: pieces go into a file beside the destination, a journal remembers them, and the name
/// is given when all is there and right. Each answer must carry the tag of the first, so that a file that changes
/// meanwhile is begun anew. `If-Range` would be answered with the whole of the new file, which may not fit in memory.
package struct HTTPDownload: Sendable {
    /// What the file must be.
    package enum Check: Sendable, Equatable {
        /// Lower-case hexadecimal.
        case sha256(String)
        /// CRC-64/NVME in Base64, as S3 tells it.
        case crc64(String)
        /// Nobody knows; its length is all that can be held against it.
        case size
    }

    package var endpoint: Endpoint
    /// Percent-encoded, begins with a slash.
    package var path: String
    package var file: String
    /// Bytes.
    package var size: Int
    package var check: Check
    package var plan: TransferPlan

    /// Pieces are large: a server in front of such files may let through only so many requests in some minutes.
    package init(
        _ endpoint: Endpoint, path: String, to file: String, size: Int, check: Check,
        plan: TransferPlan = .init(pieceSize: 32 << 20, parallel: 3)
    ) {
        self.endpoint = endpoint
        self.path = path
        self.file = file
        self.size = size
        self.check = check
        self.plan = plan
    }

    /// - Throws: `HTTPRefusal`, `TransportError`, `IntegrityError`, `TransferFileError`.
    package func run(
        over http: PlainHTTP, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws {
        for _ in 1...3 {
            do { return try await attempt(http, progress) } catch is Changed {
                http.tell("\(name) has changed meanwhile: beginning anew")
            }
        }
        throw IntegrityError(object: name, message: "changes again and again while it is fetched")
    }

    private struct Changed: Error {}

    private var name: String { request(.get).url }

    private func request(_ method: HTTPRequest.Method) -> HTTPRequest {
        HTTPRequest(
            method, endpoint, path: path, headers: [.init("accept-encoding", "identity"), .init("user-agent", "dss")])
    }

    private func attempt(_ http: PlainHTTP, _ progress: (TransferProgress) -> Void) async throws {
        let tag = try await look(http)
        let journal = try TransferJournal(beside: file, of: "\(tag ?? "-") \(size) \(plan.pieceSize) \(check)")
        let target = try TransferFile(journal.dataPath, size: size)
        try await fetch(tag, into: target, journal, http, progress)
        do { try verify(target) } catch {
            // The next run would keep pieces that are as they were noted: it has to fetch all of them again.
            journal.remove()
            throw error
        }
        try journal.finish(target, as: file)
    }

    /// - Returns: the tag of the file as it is now.
    /// - Throws: where it has another length than it should.
    private func look(_ http: PlainHTTP) async throws -> String? {
        let head = try await http.send(request(.head))
        if let length = head.header("content-length").flatMap({ Int($0) }), length != size {
            throw IntegrityError(object: name, message: "has \(length) bytes, and its manifest says \(size)")
        }
        guard head.header("accept-ranges") == "bytes" || plan.pieces(of: size).count < 2 else {
            throw IntegrityError(object: name, message: "is on a server that gives no parts of files")
        }
        return head.header("etag")
    }

    private func fetch(
        _ tag: String?, into target: TransferFile, _ journal: TransferJournal, _ http: PlainHTTP,
        _ progress: (TransferProgress) -> Void
    ) async throws {
        var state = TransferProgress(done: 0, total: size, resumed: 0)
        var rest: [Piece] = []
        for piece in plan.pieces(of: size) {
            if let known = journal.known[piece.number], known == SHA256Checksum(of: try target.read(piece)).base64 {
                state.done += piece.length
            } else {
                rest.append(piece)
            }
        }
        state.resumed = state.done
        progress(state)
        try await inParallel(rest, width: plan.parallel) { piece in
            let body = try await fetch(piece, tag, http)
            try target.write(body, at: piece.offset)
            return (piece, SHA256Checksum(of: body).base64)
        } each: { piece, digest in
            try journal.add(piece.number, digest)
            state.done += piece.length
            progress(state)
        }
    }

    private func fetch(_ piece: Piece, _ tag: String?, _ http: PlainHTTP) async throws -> [UInt8] {
        try Task.checkCancellation()
        var get = request(.get)
        get.add(header: "range", "bytes=\(piece.offset)-\(piece.offset + piece.length - 1)")
        let answer: HTTPResponse
        do { answer = try await http.send(get, isKnown: true) } catch let refusal as HTTPRefusal
            where refusal.status == 416
        {
            throw Changed()
        }
        guard answer.header("etag") == tag else { throw Changed() }
        let range = answer.header("content-range").flatMap { S3.ContentRange($0) }
        let isPiece = range.map { $0.bytes.lowerBound == piece.offset && $0.size == size } ?? (piece.length == size)
        guard isPiece, answer.body.count == piece.length else {
            throw IntegrityError(object: name, message: "was not sent in the pieces that were asked for")
        }
        return answer.body
    }

    private func verify(_ target: TransferFile) throws {
        let found: String
        let expected: String
        switch check {
        case .size: return
        case .sha256(let digest):
            expected = digest
            var hash = SHA256()
            for piece in plan.pieces(of: size) { hash.update(data: try target.read(piece)) }
            found = hex(hash.finalize())
        case .crc64(let sum):
            expected = sum
            var crc = CRC64NVME()
            for piece in plan.pieces(of: size) { crc.update(try target.read(piece)) }
            found = crc.base64
        }
        guard found == expected else {
            throw IntegrityError(object: name, message: "arrived with checksum \(found), and should have \(expected)")
        }
    }
}

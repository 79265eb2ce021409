import AWSCore
import Digests
import FoundationEssentials
import Glibc

/// Downloads a public file over unauthenticated HTTP, in parallel ranges, with constant memory use.
///
/// Pieces are written to a temporary file next to the destination, a journal records them, and the file is renamed once
/// it is complete and verified. Every response must carry the ETag of the first, so if the
/// file changes on the server, the download restarts. `If-Range` is not used: the server would respond with the whole
/// new file, which may not fit in memory.
package struct HTTPDownload: Sendable {
    /// How the file is verified.
    package enum Check: Sendable, Equatable {
        /// SHA-256 in lower-case hexadecimal.
        case sha256(String)
        /// CRC-64/NVME in Base64, as reported by S3.
        case crc64(String)
        /// No checksum is known; only the size is verified.
        case size
    }

    package var endpoint: Endpoint
    /// Percent-encoded path; starts with a slash.
    package var path: String
    package var file: String
    /// Size in bytes.
    package var size: Int
    package var check: Check
    package var plan: TransferPlan

    /// Pieces are large by default, since the server may limit the rate of requests.
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

    /// - Throws: `HTTPStatusError`, `TransportError`, `IntegrityError`, `TransferFileError`.
    package func run(
        over http: PlainHTTP, progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws {
        for _ in 1...3 {
            do { return try await attempt(http, progress) } catch is Changed {
                http.tell("\(name) changed on the server; restarting the download")
            }
        }
        throw IntegrityError(object: name, message: "keeps changing on the server during the download")
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
            // The next run would keep pieces that match the journal, so the journal is removed to fetch all again.
            journal.remove()
            throw error
        }
        try journal.finish(target, as: file)
    }

    /// - Returns: the current ETag of the file.
    /// - Throws: `IntegrityError` if its size differs from the expected one, or if ranges are not supported.
    private func look(_ http: PlainHTTP) async throws -> String? {
        let head = try await http.send(request(.head))
        if let length = head.header("content-length").flatMap({ Int($0) }), length != size {
            throw IntegrityError(object: name, message: "has \(length) bytes, but its manifest says \(size)")
        }
        guard head.header("accept-ranges") == "bytes" || plan.pieces(of: size).count < 2 else {
            throw IntegrityError(object: name, message: "the server does not support range requests")
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
        do { answer = try await http.send(get, isKnown: true) } catch let refusal as HTTPStatusError
            where refusal.status == 416
        {
            throw Changed()
        }
        guard answer.header("etag") == tag else { throw Changed() }
        let range = answer.header("content-range").flatMap { S3.ContentRange($0) }
        let isPiece = range.map { $0.bytes.lowerBound == piece.offset && $0.size == size } ?? (piece.length == size)
        guard isPiece, answer.body.count == piece.length else {
            throw IntegrityError(object: name, message: "the server did not return the requested range")
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
            throw IntegrityError(object: name, message: "checksum mismatch: expected \(expected), got \(found)")
        }
    }
}

/// Unsigned HTTP for public files, with retries.
package struct PlainHTTP: Sendable {
    package var transport: any Transport
    package var time: CallTime
    package var backoff: Backoff
    /// Total time to wait because of rate limits before giving up.
    package var patience: Duration
    /// Called with an explanation when the transfer pauses or restarts.
    package var tell: @Sendable (String) -> Void

    /// - Parameter patience: by default longer than the longest rate-limit window of AWS WAF, ten minutes.
    package init(
        transport: any Transport, time: CallTime = .live, backoff: Backoff = .init(),
        patience: Duration = .seconds(900),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.transport = transport
        self.time = time
        self.backoff = backoff
        self.patience = patience
        self.tell = tell
    }

    /// Downloads a small file, such as a manifest or a list of checksums, into memory.
    package func get(_ request: HTTPRequest) async throws -> [UInt8] {
        var request = request
        request.responseLimit = 16 << 20
        return try await send(request).body
    }

    /// - Parameter isKnown: the server has served the same file before, so a 403 can only be a rate limit.
    /// - Returns: a successful response.
    /// - Throws: `HTTPStatusError`; `TransportError` after all attempts.
    func send(_ request: HTTPRequest, isKnown: Bool = false) async throws -> HTTPResponse {
        var attempt = 0
        var waited: Duration = .zero
        while true {
            attempt += 1
            do {
                let response = try await transport.send(request, within: .seconds(1800))
                // A WAF challenge has a success status, but is not the requested file.
                if response.isSuccess, response.header("x-amz-waf-action") == nil { return response }
                if let pause = limit(response, isKnown), waited + pause <= patience {
                    tell(
                        "rate limited by \(request.endpoint.host); retrying in \(pause.components.seconds) s"
                    )
                    try await time.sleep(pause)
                    waited += pause
                    attempt -= 1
                    continue
                }
                guard response.status >= 500, attempt < backoff.attempts else {
                    throw HTTPStatusError(response, to: request)
                }
            } catch let error as TransportError {
                guard attempt < backoff.attempts else { throw error }
            }
            try await time.sleep(backoff.pause(after: attempt, isThrottled: false, chance: time.random()))
        }
    }

    /// The pause that a rate limit requires. AWS WAF blocks clients above its rate with a plain 403.
    private func limit(_ response: HTTPResponse, _ isKnown: Bool) -> Duration? {
        guard response.header("x-amz-waf-action") == nil else { return nil }
        let asked = response.header("retry-after").flatMap { Int64($0) }.map { Duration.seconds(max(1, $0)) }
        switch response.status {
        case 429: return asked ?? .seconds(30)
        case 503: return asked
        case 403 where isKnown: return .seconds(30)
        default: return nil
        }
    }
}

/// An unsuccessful HTTP response.
package struct HTTPStatusError: Error, Sendable, Equatable, CustomStringConvertible {
    package var url: String
    package var status: Int
    /// The action that AWS WAF requires first: `captcha` or `challenge`.
    package var wafAction: String?
    /// Target of a redirect.
    package var location: String?

    init(_ response: HTTPResponse, to request: HTTPRequest) {
        url = request.url
        status = response.status
        wafAction = response.header("x-amz-waf-action")
        location = response.header("location")
    }

    package var description: String { "\(url) returned HTTP status \(status)" }
}

/// Records next to a file which of its pieces have arrived: the first line identifies the object, each other line holds
/// the number and checksum of a piece. It speeds up a restart but is never trusted: entries are verified against the
/// bytes.
final class TransferJournal {
    let dataPath: String
    private let path: String
    private let stream: UnsafeMutablePointer<FILE>
    /// Checksums of the pieces of the same object that an earlier run fetched.
    let known: [Int: String]

    /// - Parameter identity: identifies the object; pieces of any other object are discarded.
    init(beside file: String, of identity: String) throws {
        dataPath = "\(file).part"
        path = "\(file).part-journal"
        let old = access(dataPath, F_OK) == 0 ? Self.lines(of: path) : []
        let isSame = old.first == identity
        known = isSame ? Self.pieces(in: old.dropFirst()) : [:]
        guard let stream = fopen(path, isSame ? "ae" : "we") else { throw TransferFileError("write", path) }
        self.stream = stream
        // A last line truncated by a crash must not merge with the next.
        try put(isSame ? "" : identity)
    }

    deinit { fclose(stream) }

    /// Removes the data of any other object: in a sparse file, it would show through the holes.
    static func forget(beside file: String, unless identity: String) throws {
        guard lines(of: "\(file).part-journal").first != identity else { return }
        guard unlink("\(file).part") == 0 || errno == ENOENT else { throw TransferFileError("remove", "\(file).part") }
    }

    /// Removes the leftovers of an unfinished run.
    static func abandon(beside file: String) {
        unlink("\(file).part")
        unlink("\(file).part-journal")
    }

    func add(_ piece: Int, _ checksum: String) throws { try put("\(piece) \(checksum)") }

    /// Renames the complete, verified file to its destination.
    func finish(_ target: TransferFile, as file: String) throws {
        try target.synchronize()
        guard rename(dataPath, file) == 0 else { throw TransferFileError("write", file) }
        remove()
    }

    func remove() { unlink(path) }

    private func put(_ line: String) throws {
        guard fputs(line + "\n", stream) >= 0, fflush(stream) == 0 else { throw TransferFileError("write", path) }
    }

    private static func pieces(in lines: ArraySlice<String>) -> [Int: String] {
        var pieces: [Int: String] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[0]) { pieces[number] = String(words[1]) }
        }
        return pieces
    }

    private static func lines(of path: String) -> [String] {
        guard let stream = fopen(path, "re") else { return [] }
        defer { fclose(stream) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { text += buffer[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

import AWSCore
import Crypto
import FoundationEssentials
import Glibc

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

/// HTTP without signatures, as everybody fetches public files: sent again where that can help.
package struct PlainHTTP: Sendable {
    package var transport: any Transport
    package var time: CallTime
    package var backoff: Backoff
    /// For how long a server may say that it was asked too often, all in all, before that is taken as its last word.
    package var patience: Duration
    /// Told why nothing happens for a while.
    package var tell: @Sendable (String) -> Void

    /// - Parameter patience: by default longer than the longest window of a rate limit in AWS WAF, ten minutes.
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

    /// A small file, in memory.
    package func get(_ request: HTTPRequest) async throws -> [UInt8] { try await send(request).body }

    /// - Parameter isKnown: the server has served the same thing before, so that a refusal can only be a rate limit.
    /// - Returns: an answer with success.
    /// - Throws: `HTTPRefusal`; `TransportError` after all attempts.
    func send(_ request: HTTPRequest, isKnown: Bool = false) async throws -> HTTPResponse {
        var attempt = 0
        var waited: Duration = .zero
        while true {
            attempt += 1
            do {
                let response = try await transport.send(request, within: .seconds(1800))
                // A challenge is a success by its number: it must not be taken for the file.
                if response.isSuccess, response.header("x-amz-waf-action") == nil { return response }
                if let pause = limit(response, isKnown), waited + pause <= patience {
                    tell(
                        "\(request.endpoint.host) wants to be asked less often: going on in \(pause.components.seconds) s"
                    )
                    try await time.sleep(pause)
                    waited += pause
                    attempt -= 1
                    continue
                }
                guard response.status >= 500, attempt < backoff.attempts else {
                    throw HTTPRefusal(response, to: request)
                }
            } catch let error as TransportError {
                guard attempt < backoff.attempts else { throw error }
            }
            try await time.sleep(backoff.pause(after: attempt, isThrottled: false, chance: time.random()))
        }
    }

    /// How long a server wants not to be asked. AWS WAF blocks with a plain 403 who is above its rate.
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

/// A server's answer that is not what was asked for.
package struct HTTPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var url: String
    package var status: Int
    /// What AWS WAF wants first: `captcha` or `challenge`.
    package var wafAction: String?
    /// Where it is instead.
    package var location: String?

    init(_ response: HTTPResponse, to request: HTTPRequest) {
        url = request.url
        status = response.status
        wafAction = response.header("x-amz-waf-action")
        location = response.header("location")
    }

    package var description: String { "\(url) was answered with \(status)" }
}

/// Remembers beside a file which of its pieces have arrived: a first line that says of what, then number and checksum
/// of each. A help after a crash, never a need: what it says is checked against the bytes.
final class TransferJournal {
    let dataPath: String
    private let path: String
    private let stream: UnsafeMutablePointer<FILE>
    /// Checksums of the pieces that an earlier run has fetched of the same object.
    let known: [Int: String]

    /// - Parameter identity: what the object is; the pieces of another one are forgotten.
    init(beside file: String, of identity: String) throws {
        dataPath = "\(file).part"
        path = "\(file).part-journal"
        let old = access(dataPath, F_OK) == 0 ? Self.lines(of: path) : []
        let isSame = old.first == identity
        known = isSame ? Self.pieces(in: old.dropFirst()) : [:]
        guard let stream = fopen(path, isSame ? "ae" : "we") else { throw TransferFileError("write", path) }
        self.stream = stream
        // A last line that was cut off by a crash must not run into the next.
        try put(isSame ? "" : identity)
    }

    deinit { fclose(stream) }

    /// Removes what an earlier run has fetched of something else: a file with holes would show it through them.
    static func forget(beside file: String, unless identity: String) throws {
        guard lines(of: "\(file).part-journal").first != identity else { return }
        guard unlink("\(file).part") == 0 || errno == ENOENT else { throw TransferFileError("remove", "\(file).part") }
    }

    /// Removes what a run has left that did not come to its end.
    static func abandon(beside file: String) {
        unlink("\(file).part")
        unlink("\(file).part-journal")
    }

    func add(_ piece: Int, _ checksum: String) throws { try put("\(piece) \(checksum)") }

    /// Gives the file its name, when all of it is there and right.
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

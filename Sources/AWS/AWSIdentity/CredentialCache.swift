import AWSCore
import Digests
import FoundationEssentials

/// Caches credentials and renews them before they expire.
///
/// Renewal starts five minutes before expiration, with a single fetch for all concurrent callers. If it fails, the old
/// credentials are used until they expire. A cancelled caller stops waiting; the fetch continues for the others.
package actor CredentialCache: CredentialSource {
    package typealias Fetch = @Sendable (_ refused: Credentials?) async throws -> Credentials

    private static let margin: TimeInterval = 5 * 60
    /// Pause between a failed renewal and the next one, while the old credentials are still valid.
    private static let rest: TimeInterval = 30

    private let fetch: Fetch
    private let now: @Sendable () -> Date
    private var current: Credentials?
    private var restsUntil = Date.distantPast
    private var isFetching = false
    private var waiting: [UInt64: CheckedContinuation<Credentials, any Error>] = [:]
    private var lastWaiter: UInt64 = 0

    /// - Parameter fetch: receives the credentials that AWS rejected, so that it does not return them from a cache.
    package init(now: @escaping @Sendable () -> Date = { Date() }, fetch: @escaping Fetch) {
        self.now = now
        self.fetch = fetch
    }

    package func credentials(insteadOf refused: Credentials?) async throws -> Credentials {
        if let current, current != refused, isFresh(current) || now() < restsUntil && isGood(current) {
            return current
        }
        if !isFetching { start(insteadOf: refused) }
        return try await next()
    }

    private func start(insteadOf refused: Credentials?) {
        isFetching = true
        Task {
            do { finish(.success(try await fetch(refused)), refused) } catch { finish(.failure(error), refused) }
        }
    }

    private func finish(_ result: Result<Credentials, any Error>, _ refused: Credentials?) {
        isFetching = false
        var result = result
        switch result {
        case .success(let fetched):
            current = fetched
            // Some sources, such as the environment, have no newer credentials.
            restsUntil = isFresh(fetched) ? .distantPast : now() + Self.rest
        case .failure:
            restsUntil = now() + Self.rest
            if let current, current != refused, isGood(current) { result = .success(current) }
        }
        let all = waiting
        waiting = [:]
        for continuation in all.values { continuation.resume(with: result) }
    }

    private func next() async throws -> Credentials {
        lastWaiter += 1
        let waiter = lastWaiter
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    waiting[waiter] = continuation
                }
            }
        } onCancel: {
            Task { await self.leave(waiter) }
        }
    }

    private func leave(_ waiter: UInt64) {
        waiting.removeValue(forKey: waiter)?.resume(throwing: CancellationError())
    }

    private func isFresh(_ credentials: Credentials) -> Bool {
        credentials.expiration.map { $0.timeIntervalSince(now()) > Self.margin } ?? true
    }

    private func isGood(_ credentials: Credentials) -> Bool {
        credentials.expiration.map { $0 > now() } ?? true
    }
}

/// The cache of role credentials in `~/.aws/cli/cache`, shared with the AWS CLI: one MFA code serves both for an hour.
///
/// Source: `botocore/credentials.py`, `CachedCredentialFetcher`; a test compares names and contents.
struct RoleCache: Sendable {
    let world: IdentityWorld
    let path: String

    /// botocore uses cached credentials only if they are valid for longer than this.
    static let margin: TimeInterval = 15 * 60

    /// - Parameter parameters: members of the AssumeRole call that determine the result, by their name in the API.
    init(_ parameters: [String: Parameter], _ world: IdentityWorld) {
        self.world = world
        path = "\(world.home)/.aws/cli/cache/\(Self.key(parameters)).json"
    }

    enum Parameter: Sendable {
        case text(String)
        case number(Int)
    }

    /// SHA-1 of the parameters in the format of Python's `json.dumps(…, sort_keys=True)`.
    static func key(_ parameters: [String: Parameter]) -> String {
        let members = parameters.sorted { $0.key < $1.key }.map { name, value in
            switch value {
            case .text(let text): "\"\(name)\": \(pythonJSON(text))"
            case .number(let number): "\"\(name)\": \(number)"
            }
        }
        return sha1("{\(members.joined(separator: ", "))}")
    }

    /// Encodes a JSON string with all non-ASCII characters escaped.
    private static func pythonJSON(_ text: String) -> String {
        let escapes: [UInt16: String] = [
            0x22: "\\\"", 0x5C: "\\\\", 0x08: "\\b", 0x0C: "\\f", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t",
        ]
        let body = text.utf16.map { unit in
            if let escape = escapes[unit] { return escape }
            if (0x20...0x7E).contains(unit) { return String(UnicodeScalar(UInt8(unit))) }
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        return "\"\(body.joined())\""
    }

    /// The part of the AssumeRole response that both this program and the AWS CLI read.
    private struct Content: Codable {
        struct Key: Codable {
            var accessKeyID: String
            var secretAccessKey: String
            var sessionToken: String
            var expiration: String

            enum CodingKeys: String, CodingKey {
                case accessKeyID = "AccessKeyId"
                case secretAccessKey = "SecretAccessKey"
                case sessionToken = "SessionToken"
                case expiration = "Expiration"
            }
        }
        var credentials: Key

        enum CodingKeys: String, CodingKey { case credentials = "Credentials" }
    }

    /// Loads cached credentials that are still valid for long enough; an unreadable file counts as missing.
    func load(origin: String) -> Credentials? {
        guard let bytes = try? world.readFile(path),
            let key = (try? JSONDecoder().decode(Content.self, from: Data(bytes)))?.credentials,
            let expiration = parsedTime(key.expiration),
            expiration.timeIntervalSince(world.time.now()) >= Self.margin
        else { return nil }
        return Credentials(
            accessKeyID: key.accessKeyID, secretAccessKey: key.secretAccessKey, sessionToken: key.sessionToken,
            expiration: expiration, origin: "\(origin), cached in \(world.shown(path))")
    }

    /// Stores credentials. If the file cannot be written, a warning explains why the next command prompts again.
    func store(_ credentials: Credentials) {
        let content = Content(
            credentials: .init(
                accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey,
                sessionToken: credentials.sessionToken ?? "",
                expiration: (credentials.expiration ?? world.time.now()).formatted(.iso8601)))
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try world.writeFile(path, String(decoding: try encoder.encode(content), as: UTF8.self))
        } catch {
            world.warn("cannot save the credentials of the role to \(world.shown(path)): \(error)")
        }
    }
}

/// The hash in the names of AWS CLI cache files; it protects no secret.
func sha1(_ text: String) -> String {
    hex(Insecure.SHA1.hash(data: Array(text.utf8)))
}

/// Parses a time as written by AWS, botocore and `credential_process` programs: ISO 8601, with `Z`, `UTC` or an offset,
/// and with a space instead of `T`, as Python prints times and botocore takes them.
func parsedTime(_ text: String) -> Date? {
    var text = text.trimmed
    if text.hasSuffix("UTC") { text = text.dropLast(3) + "Z" }
    text.replace(/\.\d+/, with: "")
    if let match = text.prefixMatch(of: /(\d{4}-\d{2}-\d{2}) +(?=\d)/) {
        text.replaceSubrange(match.range, with: "\(match.1)T")
    }
    return try? Date(text, strategy: .iso8601)
}

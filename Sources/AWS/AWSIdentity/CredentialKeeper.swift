import AWSCore
import Crypto
import FoundationEssentials

/// Keeps credentials good for as long as somebody needs them.
///
/// Expiring ones are fetched anew from five minutes before their end, once for all who ask meanwhile. Where that
/// fails they are used for as long as they are good. Who is cancelled stops waiting; the fetch goes on for the others.
package actor CredentialKeeper: CredentialSource {
    package typealias Fetch = @Sendable (_ refused: Credentials?) async throws -> Credentials

    private static let margin: TimeInterval = 5 * 60
    /// Between a failed renewal and the next, while the old ones are still good.
    private static let rest: TimeInterval = 30

    private let fetch: Fetch
    private let now: @Sendable () -> Date
    private var current: Credentials?
    private var restsUntil = Date.distantPast
    private var isFetching = false
    private var waiting: [UInt64: CheckedContinuation<Credentials, any Error>] = [:]
    private var lastWaiter: UInt64 = 0

    /// - Parameter fetch: told of credentials that AWS no longer takes, so that it does not find them again in a cache.
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
            // Some sources, such as the environment, have nothing newer to give.
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

/// Credentials of roles in `~/.aws/cli/cache`, shared with the AWS CLI: one MFA code serves both for an hour.
///
/// Source: `botocore/credentials.py`, `CachedCredentialFetcher`; a test compares names and contents.
struct RoleCache: Sendable {
    let world: IdentityWorld
    let path: String

    /// botocore takes what is cached only while it is good for longer than this.
    static let margin: TimeInterval = 15 * 60

    /// - Parameter parameters: members of the AssumeRole call that decide what comes back, by their name in the API.
    init(_ parameters: [String: Parameter], _ world: IdentityWorld) {
        self.world = world
        path = "\(world.home)/.aws/cli/cache/\(Self.key(parameters)).json"
    }

    enum Parameter: Sendable {
        case text(String)
        case number(Int)
    }

    /// SHA-1 of the parameters as Python's `json.dumps(…, sort_keys=True)` writes them.
    static func key(_ parameters: [String: Parameter]) -> String {
        let members = parameters.sorted { $0.key < $1.key }.map { name, value in
            switch value {
            case .text(let text): "\"\(name)\": \(pythonJSON(text))"
            case .number(let number): "\"\(name)\": \(number)"
            }
        }
        return sha1("{\(members.joined(separator: ", "))}")
    }

    /// Escapes all that is not ASCII.
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

    /// As much of the answer of AssumeRole as both sides read.
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

    /// What is cached and good for a while; a file that cannot be read is as good as none.
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

    /// Where it cannot be written, the next command asks again, and the user knows why.
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
            world.warn("the credentials of the role could not be kept in \(world.shown(path)): \(error)")
        }
    }
}

/// What the AWS CLI names its cache files by; nothing is kept secret by it.
func sha1(_ text: String) -> String {
    hex(Insecure.SHA1.hash(data: Data(text.utf8)))
}

/// A time as AWS, botocore and `credential_process` programs spell it: ISO 8601, with `Z`, `UTC` or an offset.
func parsedTime(_ text: String) -> Date? {
    var text = text.trimmed
    if text.hasSuffix("UTC") { text = text.dropLast(3) + "Z" }
    text.replace(/\.\d+/, with: "")
    return try? Date(text, strategy: .iso8601)
}

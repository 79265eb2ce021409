import Crypto
import Synchronization

/// What the signatures of one secret, day, region and service have in common.
struct SigningScope: Hashable {
    var secret: String
    var day: String
    var region: String
    var service: String

    /// As it stands in signatures.
    var text: String { "\(day)/\(region)/\(service)/aws4_request" }

    /// The key that these signatures are made with.
    func key() -> SymmetricKey {
        [day, region, service, "aws4_request"].reduce(SymmetricKey(data: Array("AWS4\(secret)".utf8))) { key, part in
            SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
    }
}

/// Keys that were derived already: deriving one takes half the time of signing a request.
package final class SigningKeys: Sendable {
    private let keys: Mutex<[SigningScope: SymmetricKey]> = Mutex([:])

    package init() {}

    func key(_ scope: SigningScope) -> SymmetricKey {
        keys.withLock { keys in
            if let key = keys[scope] { return key }
            // Those of yesterday and of earlier credentials are of no use any more.
            if keys.count == 64 { keys = [:] }
            let key = scope.key()
            keys[scope] = key
            return key
        }
    }
}

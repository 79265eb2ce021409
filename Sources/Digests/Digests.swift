import COpenSSL

/// SHA-256 of bytes that come in pieces, or of all at once.
package struct SHA256: Sendable {
    private var state = DigestState(.sha256)

    package init() {}

    package mutating func update(data: [UInt8]) {
        data.withUnsafeBytes { update(bufferPointer: $0) }
    }

    package mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
        if !isKnownUniquelyReferenced(&state) { state = DigestState(copyOf: state) }
        state.update(bytes)
    }

    /// The digest of the bytes so far; more may follow.
    package func finalize() -> [UInt8] { DigestState(copyOf: state).finish() }

    package static func hash(data: [UInt8]) -> [UInt8] { Algorithm.sha256.digest(of: data) }
}

/// Hashes that protect nothing, for names and tags that are made with them.
package enum Insecure {
    package struct MD5: Sendable {
        private var state = DigestState(.md5)

        package init() {}

        package mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
            if !isKnownUniquelyReferenced(&state) { state = DigestState(copyOf: state) }
            state.update(bytes)
        }

        /// The digest of the bytes so far; more may follow.
        package func finalize() -> [UInt8] { DigestState(copyOf: state).finish() }

        package static func hash(data: [UInt8]) -> [UInt8] { Algorithm.md5.digest(of: data) }
    }

    package enum SHA1 {
        package static func hash(data: [UInt8]) -> [UInt8] { Algorithm.sha1.digest(of: data) }
    }
}

package enum HMAC {
    /// The HMAC-SHA256 of a message (RFC 2104).
    package static func sha256(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        let length = Algorithm.sha256.length
        var code = [UInt8](repeating: 0, count: length)
        let isDone = EVP_Q_mac(
            nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &code, length, nil)
        precondition(isDone != nil, "libcrypto cannot compute an HMAC-SHA256")
        return code
    }
}

/// A hash function of libcrypto, looked up once.
///
/// Sendable, because libcrypto never changes what it found, and nobody frees it.
private struct Algorithm: @unchecked Sendable {
    let pointer: OpaquePointer
    let length: Int

    static let sha256 = Algorithm("SHA256")
    static let sha1 = Algorithm("SHA1")
    static let md5 = Algorithm("MD5")

    private init(_ name: String) {
        // Without the configuration of the host, which may disable functions. Without cleaning up at exit, because
        // other threads may still be hashing then.
        let options = UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT)
        guard OPENSSL_init_crypto(options, nil) == 1, let pointer = EVP_MD_fetch(nil, name, nil) else {
            preconditionFailure("libcrypto has no \(name)")
        }
        self.pointer = pointer
        length = Int(EVP_MD_get_size(pointer))
    }

    func digest(of bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        precondition(
            EVP_Digest(bytes, bytes.count, &digest, nil, pointer, nil) == 1,
            "libcrypto cannot hash \(bytes.count) bytes")
        return digest
    }
}

/// An unfinished digest. Sendable, because whoever changes it is its only owner: values that share one copy it first.
private final class DigestState: @unchecked Sendable {
    private let context: OpaquePointer
    private let length: Int

    init(_ algorithm: Algorithm) {
        context = Self.newContext()
        length = algorithm.length
        precondition(EVP_DigestInit_ex(context, algorithm.pointer, nil) == 1, "libcrypto cannot start a digest")
    }

    init(copyOf other: DigestState) {
        context = Self.newContext()
        length = other.length
        precondition(EVP_MD_CTX_copy_ex(context, other.context) == 1, "libcrypto cannot copy a digest")
    }

    deinit { EVP_MD_CTX_free(context) }

    private static func newContext() -> OpaquePointer {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
        return context
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "libcrypto cannot hash \(bytes.count) bytes"
        )
    }

    func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1, "libcrypto cannot finish a digest")
        return digest
    }
}

import Digests
import FoundationEssentials
import Synchronization

/// Signs requests with AWS Signature Version 4. A value for one attempt: a signature is never used twice.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
package struct SigV4: Sendable {
    private let credentials: Credentials
    private let scope: SigningScope
    private let keys: SigningKeys
    private let time: Timestamp
    /// S3 signs a path as it is; all other services normalize it and encode it again.
    private let takesPathAsIs: Bool

    /// - Parameters:
    ///   - service: the service's signing name.
    ///   - keys: cache of derived keys, shared between signatures.
    package init(
        _ credentials: Credentials, region: String, service: String, at time: Date, takesPathAsIs: Bool? = nil,
        keys: SigningKeys = SigningKeys()
    ) {
        self.credentials = credentials
        self.time = Timestamp(time)
        self.keys = keys
        scope = SigningScope(
            secret: credentials.secretAccessKey, day: String(self.time.day), region: region, service: service)
        self.takesPathAsIs = takesPathAsIs ?? (service == "s3")
    }

    /// Returns the request with the headers that make it valid for 15 minutes around `time`.
    package func signed(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        let hash = request.bodyHash ?? hex(SHA256.hash(data: request.body))
        request.headers.append(.init("host", request.endpoint.authority))
        request.headers.append(.init("x-amz-date", time.text))
        if scope.service == "s3" { request.headers.append(.init("x-amz-content-sha256", hash)) }
        request.add(header: "x-amz-security-token", credentials.sessionToken)
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        request.headers.append(
            .init(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope.text), "
                    + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature(of: canonical))"))
        return request
    }

    /// Returns a request whose URL alone grants access to this one operation until it expires.
    /// - Parameter lifetime: at most seven days, and no longer than the credentials are valid.
    package func presigned(_ request: HTTPRequest, lifetime: Duration) -> HTTPRequest {
        var request = request
        request.headers.insert(.init("host", request.endpoint.authority), at: 0)
        let names = CanonicalRequest.canonical(request.headers).map(\.name).joined(separator: ";")
        request.query += [
            .init("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            .init("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope.text)"),
            .init("X-Amz-Date", time.text),
            .init("X-Amz-Expires", "\(lifetime.components.seconds)"),
            .init("X-Amz-SignedHeaders", names),
        ]
        request.add(query: "X-Amz-Security-Token", credentials.sessionToken)
        let hash = scope.service == "s3" ? "UNSIGNED-PAYLOAD" : hex(SHA256.hash(data: request.body))
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        request.query.append(.init("X-Amz-Signature", signature(of: canonical)))
        return request
    }

    /// The signed parts of a request, for comparison with other implementations.
    package func parts(of request: HTTPRequest) -> (canonicalRequest: String, stringToSign: String) {
        let hash = request.bodyHash ?? hex(SHA256.hash(data: request.body))
        let canonical = CanonicalRequest(request, payloadHash: hash, takesPathAsIs: takesPathAsIs)
        return (canonical.text, stringToSign(canonical))
    }

    private func stringToSign(_ canonical: CanonicalRequest) -> String {
        let digest = hex(SHA256.hash(data: Array(canonical.text.utf8)))
        return "AWS4-HMAC-SHA256\n\(time.text)\n\(scope.text)\n\(digest)"
    }

    private func signature(of canonical: CanonicalRequest) -> String {
        hex(HMAC.sha256(of: Array(stringToSign(canonical).utf8), key: keys.key(scope)))
    }
}

/// A time in the format of SigV4, `20260102T030405Z`, and its day.
package struct Timestamp: Sendable, Equatable {
    package let text: String
    package var day: Substring { text.prefix(8) }

    package init(_ time: Date) {
        text = time.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
    }
}

/// The scope of a signing key: secret, day, region and service.
struct SigningScope: Hashable {
    var secret: String
    var day: String
    var region: String
    var service: String

    /// The credential scope as written in signatures.
    var text: String { "\(day)/\(region)/\(service)/aws4_request" }

    /// Derives the signing key of this scope.
    func key() -> [UInt8] {
        [day, region, service, "aws4_request"].reduce(Array("AWS4\(secret)".utf8)) { key, part in
            HMAC.sha256(of: Array(part.utf8), key: key)
        }
    }
}

/// A cache of derived keys: deriving one takes half the time of signing a request.
package final class SigningKeys: Sendable {
    private let keys: Mutex<[SigningScope: [UInt8]]> = Mutex([:])

    package init() {}

    func key(_ scope: SigningScope) -> [UInt8] {
        keys.withLock { keys in
            if let key = keys[scope] { return key }
            // Keys of earlier days and credentials are useless by then.
            if keys.count == 64 { keys = [:] }
            let key = scope.key()
            keys[scope] = key
            return key
        }
    }
}

/// A request in the canonical form that client and server both hash.
struct CanonicalRequest {
    let text: String
    /// Names of the signed headers, separated by semicolons.
    let signedHeaders: String

    /// Includes every header of the request: an unsigned header could be changed in transit.
    init(_ request: HTTPRequest, payloadHash: String, takesPathAsIs: Bool) {
        let headers = Self.canonical(request.headers)
        signedHeaders = headers.map(\.name).joined(separator: ";")
        let path =
            takesPathAsIs ? request.fullPath : percentEncoded(Self.normalized(request.fullPath), keepsSlash: true)
        text =
            "\(request.method.rawValue)\n\(path.isEmpty ? "/" : path)\n\(Self.canonical(query: request.query))\n"
            + headers.map { "\($0.name):\($0.value)\n" }.joined()
            + "\n\(signedHeaders)\n\(payloadHash)"
    }

    /// The query sorted by encoded name, then by encoded value.
    private static func canonical(query: [HTTPRequest.Pair]) -> String {
        query.map { (name: percentEncoded($0.name), value: percentEncoded($0.value)) }
            .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// The headers sorted by name, with the values of repeated names joined by commas and runs of blanks collapsed.
    static func canonical(_ headers: [HTTPRequest.Pair]) -> [HTTPRequest.Pair] {
        var values: [String: [String]] = [:]
        for header in headers { values[header.name.lowercased(), default: []].append(folded(header.value)) }
        return values.sorted { $0.key < $1.key }.map { .init($0.key, $0.value.joined(separator: ",")) }
    }

    private static func folded(_ value: String) -> String {
        guard value.utf8.contains(where: isBlank) else { return value }
        return value.utf8.split(whereSeparator: isBlank).map { String($0)! }.joined(separator: " ")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// Removes empty segments, `.` and `..` (RFC 3986, section 5.2.4).
    private static func normalized(_ path: String) -> String {
        guard path.contains("//") || path.contains("/.") else { return path }
        var kept: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": continue
            case "..": _ = kept.popLast()
            default: kept.append(segment)
            }
        }
        let joined = "/" + kept.joined(separator: "/")
        return path.hasSuffix("/") && joined != "/" ? joined + "/" : joined
    }
}

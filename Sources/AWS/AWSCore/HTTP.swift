import FoundationEssentials

/// An HTTP request before and after signing, independent of any HTTP library.
package struct HTTPRequest: Sendable, Equatable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    package struct Pair: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: Method
    package var endpoint: Endpoint
    /// Percent-encoded path as sent; starts with a slash.
    package var path: String
    /// Query parameters, not encoded and in order; names may repeat.
    package var query: [Pair]
    /// Headers with names in lower case; the signer adds `host` and the signature.
    package var headers: [Pair]
    package var body: [UInt8]
    /// SHA-256 of the body in hexadecimal, if already known.
    package var bodyHash: String?
    /// The largest body of a successful response in bytes. The transport does not read further, whatever the server
    /// sends. The default is for the answers of AWS and for the pieces of a download.
    package var responseLimit = 64 << 20

    package init(
        _ method: Method = .post, _ endpoint: Endpoint, path: String = "/", query: [Pair] = [], headers: [Pair] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.endpoint = endpoint
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// Adds a query parameter unless the value is `nil`.
    package mutating func add(query name: String, _ value: (some CustomStringConvertible)?) {
        if let value { query.append(Pair(name, "\(value)")) }
    }

    /// Adds a header unless the value is `nil`.
    package mutating func add(header name: String, _ value: (some CustomStringConvertible)?) {
        if let value { headers.append(Pair(name, "\(value)")) }
    }

    /// The endpoint's base path followed by the path.
    package var fullPath: String { endpoint.basePath + path }

    /// The path and query of the request line.
    package var target: String {
        let query = query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
        return query.isEmpty ? fullPath : "\(fullPath)?\(query)"
    }

    package var url: String { "\(endpoint.scheme)://\(endpoint.authority)\(target)" }
}

/// An HTTP response with its whole body in memory; large objects are fetched in ranges.
package struct HTTPResponse: Sendable, Equatable {
    package var status: Int
    package var headers: [HTTPRequest.Pair]
    package var body: [UInt8]

    package init(status: Int, headers: [HTTPRequest.Pair] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The value of the first header with that name; names are case-insensitive (RFC 9110, section 5.1).
    package func header(_ name: String) -> String? {
        headers.first { $0.name.utf8.elementsEqual(name.utf8, by: isSameLetter) }?.value
    }
}

private func isSameLetter(_ one: UInt8, _ other: UInt8) -> Bool {
    lowercased(one) == lowercased(other)
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

extension HTTPResponse {
    /// Summary of an unexpected response for an error message: type and size, but no content, which may be secret.
    package var summary: String {
        guard !body.isEmpty else { return "an empty body" }
        let start = String(decoding: body.prefix(200), as: UTF8.self).lowercased()
        if start.contains("<html") || start.contains("<!doctype html") { return "an HTML page" }
        return "\(body.count) bytes" + (header("content-type").map { " of type \($0)" } ?? "")
    }
}

/// The address of a service, and the region that its requests are signed for.
package struct Endpoint: Sendable, Hashable {
    package var scheme: String
    package var host: String
    /// `nil` for the scheme's default port, which the `Host` header omits.
    package var port: Int?
    /// Prefix of every path; empty for AWS itself.
    package var basePath: String
    package var signingRegion: String
    /// Whether the user configured the endpoint: an emulator or a gateway, which does not support bucket names in the
    /// host name.
    package var isCustom: Bool

    package init(
        scheme: String = "https", host: String, port: Int? = nil, basePath: String = "", signingRegion: String,
        isCustom: Bool = false
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.basePath = basePath
        self.signingRegion = signingRegion
        self.isCustom = isCustom
    }

    /// The value of the `Host` header.
    package var authority: String { port.map { "\(host):\($0)" } ?? host }

    /// Whether the host is this computer, so that nobody else sees what is sent without TLS. A name such as
    /// `127.0.0.1.example.com` is not an address.
    package var isLoopback: Bool {
        let name = host.lowercased()
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return ["localhost", "[::1]"].contains(name)
            || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Parses a URL such as `AWS_ENDPOINT_URL` holds: `http://127.0.0.1:5000`.
    /// - Returns: `nil` if it is not an HTTP URL with a host.
    package init?(url: String, signingRegion: String) {
        guard
            let match = url.wholeMatch(
                of: /(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^\/:?#@\s]+)(?::([0-9]{1,5}))?(\/[^?#\s]*)?/)
        else { return nil }
        let scheme = String(match.1)
        let port = match.3.flatMap { Int($0) }
        guard port.map({ (1...65535).contains($0) }) ?? true else { return nil }
        let path = match.4.map(String.init) ?? ""
        self.init(
            scheme: scheme, host: String(match.2), port: port == (scheme == "https" ? 443 : 80) ? nil : port,
            basePath: path.hasSuffix("/") ? String(path.dropLast()) : path, signingRegion: signingRegion,
            isCustom: true)
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, section 2.3, as SigV4 requires.
/// - Parameter keepsSlash: leaves `/` unencoded, for paths.
package func percentEncoded(_ text: String, keepsSlash: Bool = false) -> String {
    if text.utf8.allSatisfy({ isUnreserved($0) || keepsSlash && $0 == UInt8(ascii: "/") }) { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 24)
    for byte in text.utf8 {
        if isUnreserved(byte) || keepsSlash && byte == UInt8(ascii: "/") {
            result.append(byte)
        } else {
            result.append(UInt8(ascii: "%"))
            result.append(hexDigits[Int(byte >> 4)])
            result.append(hexDigits[Int(byte & 15)])
        }
    }
    return String(decoding: result, as: UTF8.self)
}

private let hexDigits = Array("0123456789ABCDEF".utf8)

private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default: false
    }
}

/// Encodes bytes as lower-case hexadecimal digits, as used in signatures and digests.
package func hex(_ bytes: some Sequence<UInt8>) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
        result.append(lowerHexDigits[Int(byte >> 4)])
        result.append(lowerHexDigits[Int(byte & 15)])
    }
    return String(decoding: result, as: UTF8.self)
}

private let lowerHexDigits = Array("0123456789abcdef".utf8)

/// Parses the value of a `Date` header: `Tue, 24 Nov 2026 11:02:03 GMT` (RFC 9110, section 5.6.7).
func httpDate(_ text: String) -> Date? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return try? Date("\(words[3])-\(number)-\(words[1])T\(words[4])Z", strategy: .iso8601)
}

private let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/// Sends a request and receives its whole response; hides the HTTP library.
package protocol Transport: Sendable {
    /// - Parameter limit: time limit of the whole request; the transport sets its own limits for connecting and idling.
    /// - Throws: `TransportError`, or `CancellationError` if the task was cancelled.
    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse
}

/// A request that received no complete response.
package struct TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// No connection was established, so nothing was sent: name not found, refused, unreachable, or TLS failed.
        case notConnected
        /// The connection broke or the response was truncated; the request may have taken effect.
        case lost
        /// The server sent nothing, or the request exceeded its time limit; it may have taken effect.
        case timedOut
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}

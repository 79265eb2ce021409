/// A request in the one form that both sides hash.
struct CanonicalRequest {
    let text: String
    /// Names of the signed headers, separated by semicolons.
    let signedHeaders: String

    /// Signs every header that the request has: what is not signed could be changed on the way.
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

    /// Sorted by encoded name, then by encoded value.
    private static func canonical(query: [HTTPRequest.Pair]) -> String {
        query.map { (name: percentEncoded($0.name), value: percentEncoded($0.value)) }
            .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Sorted by name; values of repeated names joined by commas, runs of blanks as one.
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

    /// Without empty segments, `.` and `..` (RFC 3986, section 5.2.4).
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

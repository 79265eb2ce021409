import AWSCore

/// What shows that an answer without a document comes from S3. A status alone does not: a hotel's network answers
/// every request with 200 and a page of its own.
extension HTTPResponse {
    /// - Throws: `UnexpectedAnswer` where there is no entity tag, as there is in every answer about an object.
    func entityTag() throws -> String {
        guard let tag = header("etag"), tag.hasPrefix("\""), tag.hasSuffix("\""), tag.count > 2 else {
            throw UnexpectedAnswer("expected the header ETag, found \(summary)")
        }
        return tag
    }

    /// For what was stored: an entity tag and nothing else.
    func storedTag() throws -> String {
        guard body.isEmpty else { throw UnexpectedAnswer("expected no body, found \(summary)") }
        return try entityTag()
    }

    /// For what was removed.
    func expectNoContent() throws {
        guard status == 204, body.isEmpty else {
            throw UnexpectedAnswer("expected status 204 and no body, found status \(status) and \(summary)")
        }
    }

    func number(_ name: String) -> Int? { header(name).flatMap { Int($0) } }

    /// `x-amz-meta-…`, by what follows.
    var metadata: [String: String] {
        let prefix = "x-amz-meta-"
        let pairs = headers.map { ($0.name.lowercased(), $0.value) }.filter { $0.0.hasPrefix(prefix) }
        return Dictionary(pairs.map { (String($0.0.dropFirst(prefix.count)), $0.1) }) { first, _ in first }
    }
}

/// Undoes `encoding-type=url`, which S3 is asked for because XML cannot spell all keys.
/// - Parameter encoding: what the answer says that it did.
func plain(_ text: String, _ encoding: String?) -> String {
    guard encoding == "url", text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") })
    else { return text }
    var result: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let code = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
            result.append(code)
            rest = rest.dropFirst(2)
        } else {
            result.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(decoding: result, as: UTF8.self)
}

import AWSCore

/// Simple Storage Service.
package enum S3 {
    package static let service = Service(id: "S3", signingName: "s3", version: "2006-03-01", concurrency: 32)
    static let namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
}

extension HTTPRequest {
    /// Addresses a bucket or an object in it: in the host's name, which AWS prefers, or in the path where the endpoint
    /// is an emulator's or the name's dots would not fit AWS's certificate.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    mutating func address(_ method: Method, bucket: String, key: String = "") {
        self.method = method
        let key = percentEncoded(key, keepsSlash: true)
        if endpoint.isCustom || bucket.contains(".") {
            path = key.isEmpty ? "/\(bucket)" : "/\(bucket)/\(key)"
        } else {
            endpoint.host = "\(bucket).\(endpoint.host)"
            path = "/\(key)"
        }
    }
}

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

extension S3 {
    /// Whether a bucket is there and may be used, and where it is. Answers 301 from another region than its own.
    package struct HeadBucket: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:ListBucket"]

        package var bucket: String

        package init(bucket: String) {
            self.bucket = bucket
        }

        package struct Output: Sendable, Equatable {
            package var bucketRegion: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.head, bucket: bucket)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            guard let region = response.header("x-amz-bucket-region") else {
                throw UnexpectedAnswer("expected the header x-amz-bucket-region")
            }
            return Output(bucketRegion: region)
        }
    }
}

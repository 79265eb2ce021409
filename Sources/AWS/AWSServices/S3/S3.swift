import AWSCore

/// Amazon Simple Storage Service.
package enum S3 {
    package static let service = Service(id: "S3", signingName: "s3", version: "2006-03-01", concurrency: 32)
    static let namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
}

extension HTTPRequest {
    /// Addresses a bucket or an object: by the host name, which AWS prefers, or by the path if the endpoint is an
    /// emulator or if dots in the bucket name would not match AWS's certificate.
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

/// Checks that a response without a document comes from S3. The status alone is not enough: a captive portal answers
/// every request with 200 and a page of its own.
extension HTTPResponse {
    /// - Throws: `UnexpectedResponse` if there is no ETag, which every response about an object has.
    func entityTag() throws -> String {
        guard let tag = header("etag"), tag.hasPrefix("\""), tag.hasSuffix("\""), tag.count > 2 else {
            throw UnexpectedResponse("expected the header ETag, found \(summary)")
        }
        return tag
    }

    /// Checks the response to a stored object: an ETag and no body.
    func storedTag() throws -> String {
        guard body.isEmpty else { throw UnexpectedResponse("expected no body, found \(summary)") }
        return try entityTag()
    }

    /// Checks the response to a removal: status 204 and no body.
    func expectNoContent() throws {
        guard status == 204, body.isEmpty else {
            throw UnexpectedResponse("expected status 204 and no body, found status \(status) and \(summary)")
        }
    }

    func number(_ name: String) -> Int? { header(name).flatMap { Int($0) } }

    /// The values of the `x-amz-meta-…` headers, by the name after that prefix.
    var metadata: [String: String] {
        let prefix = "x-amz-meta-"
        let pairs = headers.map { ($0.name.lowercased(), $0.value) }.filter { $0.0.hasPrefix(prefix) }
        return Dictionary(pairs.map { (String($0.0.dropFirst(prefix.count)), $0.1) }) { first, _ in first }
    }
}

/// Decodes keys of a listing with `encoding-type=url`, which is requested because XML cannot represent all keys.
/// - Parameter encoding: the encoding that the response states.
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
    /// Checks that a bucket exists and is accessible, and returns its region. From another region, S3 returns 301.
    package struct HeadBucket: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
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
                throw UnexpectedResponse("expected the header x-amz-bucket-region")
            }
            return Output(bucketRegion: region)
        }
    }
}

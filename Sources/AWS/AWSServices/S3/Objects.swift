import AWSCore
import Digests
import FoundationEssentials

extension S3 {
    /// Returns the metadata of an object without its bytes. A missing object is an error with the code `NotFound`.
    package struct HeadObject: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:GetObject"]

        package var bucket: String
        package var key: String
        /// `ENABLED` requests checksums.
        package var checksumMode: String?

        package init(bucket: String, key: String, checksumMode: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.checksumMode = checksumMode
        }

        package struct Output: Sendable, Equatable {
            /// Size in bytes.
            package var contentLength: Int
            package var eTag: String
            package var cacheControl: String?
            package var contentType: String?
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            package var checksumType: String?
            package var metadata: [String: String]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.head, bucket: bucket, key: key)
            request.add(header: "x-amz-checksum-mode", checksumMode)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            guard let length = response.number("content-length"), length >= 0 else {
                throw UnexpectedResponse("expected the header Content-Length")
            }
            return Output(
                contentLength: length, eTag: try response.entityTag(), cacheControl: response.header("cache-control"),
                contentType: response.header("content-type"),
                checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"),
                checksumType: response.header("x-amz-checksum-type"), metadata: response.metadata)
        }
    }
}

extension AWSClient {
    /// The metadata of an object, `nil` if it does not exist.
    func head(_ bucket: String, _ key: String) async throws -> S3.HeadObject.Output? {
        do {
            return try await call(S3.HeadObject(bucket: bucket, key: key, checksumMode: "ENABLED"))
        } catch let error as AWSError where error.code == "NotFound" || error.code == "NoSuchKey" {
            return nil
        }
    }
}

extension S3 {
    /// Fetches an object into memory.
    package struct GetObject: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var bucket: String
        package var key: String
        /// `ENABLED` requests checksums, which the bytes are verified against.
        package var checksumMode: String? = "ENABLED"
        /// The largest body that is accepted, in bytes, because it is held in memory.
        package var limit = 64 << 20

        package init(bucket: String, key: String) {
            self.bucket = bucket
            self.key = key
        }

        package struct Output: Sendable, Equatable {
            package var body: [UInt8]
            package var eTag: String
            package var contentType: String?
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            /// `FULL_OBJECT`, or `COMPOSITE`: a checksum of the parts' checksums.
            package var checksumType: String?
            package var metadata: [String: String]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.responseLimit = limit
            request.address(.get, bucket: bucket, key: key)
            request.add(header: "x-amz-checksum-mode", checksumMode)
        }

        /// - Throws: `UnexpectedResponse` if the bytes are not those that were stored.
        package func decode(_ response: HTTPResponse) throws -> Output {
            try compare(response)
            return Output(
                body: response.body, eTag: try response.entityTag(), contentType: response.header("content-type"),
                checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"),
                checksumType: response.header("x-amz-checksum-type"), metadata: response.metadata)
        }

        /// Verifies the checksum. One that is followed by a number of parts is made of their checksums and cannot be
        /// compared.
        private func compare(_ response: HTTPResponse) throws {
            if let stored = response.header("x-amz-checksum-sha256"), !stored.contains("-"),
                stored != SHA256Checksum(of: response.body).base64
            {
                throw UnexpectedResponse("the bytes do not match the checksum stored by S3 (SHA-256)")
            }
            if let stored = response.header("x-amz-checksum-crc64nvme"),
                stored != CRC64NVME(of: response.body).base64
            {
                throw UnexpectedResponse("the bytes do not match the checksum stored by S3 (CRC-64/NVME)")
            }
        }
    }

    /// `bytes 0-99/1000`.
    struct ContentRange: Sendable, Equatable {
        var bytes: ClosedRange<Int>
        /// Size of the whole object in bytes.
        var size: Int

        init?(_ text: String) {
            guard let match = text.wholeMatch(of: /bytes ([0-9]+)-([0-9]+)\/([0-9]+)/), let first = Int(match.1),
                let last = Int(match.2), let size = Int(match.3), first <= last, last < size
            else { return nil }
            bytes = first...last
            self.size = size
        }
    }
}

extension S3 {
    /// Stores an object of at most 5 GB in one request.
    ///
    /// The call is idempotent unless it must not overwrite an object: then S3 rejects a retry, and the existing object
    /// is compared with the one that was sent.
    package struct PutObject: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["PreconditionFailed"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["s3:PutObject", "s3:GetObject"]

        package var body: [UInt8]
        package var bucket: String
        package var cacheControl: String?
        package var contentType: String?
        /// Checksums are in Base64; S3 responds to a mismatch with `BadDigest`. If none is given, SHA-256 is computed.
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        /// `*`: fails if an object with this key exists.
        package var ifNoneMatch: String?
        package var key: String
        /// At most 2 KB in total; names in lower case.
        package var metadata: [String: String] = [:]

        package init(bucket: String, key: String, body: [UInt8], contentType: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.body = body
            self.contentType = contentType
        }

        package struct Output: Sendable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.put, bucket: bucket, key: key)
            request.add(header: "cache-control", cacheControl)
            request.add(header: "content-type", contentType)
            request.add(header: "if-none-match", ifNoneMatch)
            request.add(header: "x-amz-checksum-crc64nvme", checksumCRC64NVME)
            let checksum =
                checksumSHA256 ?? (checksumCRC64NVME == nil ? SHA256Checksum(of: body).base64 : nil)
            request.add(header: "x-amz-checksum-sha256", checksum)
            request.add(metadata: metadata)
            request.body = body
            request.bodyHash = checksum.flatMap { SHA256Checksum(base64: $0)?.hexadecimal }
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            Output(
                eTag: try response.storedTag(), checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"))
        }

        private func find(with client: AWSClient) async throws -> Output? {
            guard ifNoneMatch != nil, let found = try await client.head(bucket, key) else { return nil }
            let isSame: Bool
            if let checksumCRC64NVME, let other = found.checksumCRC64NVME {
                isSame = other == checksumCRC64NVME
            } else if let checksumSHA256, let other = found.checksumSHA256 {
                isSame = other == checksumSHA256
            } else {
                isSame = found.eTag == "\"\(hex(Insecure.MD5.hash(data: body)))\""
            }
            guard isSame else { return nil }
            return Output(
                eTag: found.eTag, checksumCRC64NVME: found.checksumCRC64NVME, checksumSHA256: found.checksumSHA256)
        }
    }
}

extension HTTPRequest {
    mutating func add(metadata: [String: String]) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            add(header: "x-amz-meta-\(name.lowercased())", value)
        }
    }
}

extension S3 {
    package struct CopySource: Sendable, Equatable {
        package var bucket: String
        package var key: String

        package init(bucket: String, key: String) {
            self.bucket = bucket
            self.key = key
        }

        var headerValue: String { "\(bucket)/\(percentEncoded(key, keepsSlash: true))" }
    }

    /// Copies an object of at most 5 GB within S3, without transferring its bytes to this host.
    package struct CopyObject: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:GetObject", "s3:PutObject"]

        package var bucket: String
        package var cacheControl: String?
        /// The checksum algorithm of the copy: `CRC64NVME` or `SHA256`.
        package var checksumAlgorithm: String?
        package var contentType: String?
        package var copySource: CopySource
        package var copySourceIfMatch: String?
        package var key: String
        package var metadata: [String: String] = [:]
        /// `REPLACE` sets cache control, content type and metadata from this call instead of copying them.
        package var metadataDirective: String?

        package init(from copySource: CopySource, bucket: String, key: String, copySourceIfMatch: String? = nil) {
            self.copySource = copySource
            self.bucket = bucket
            self.key = key
            self.copySourceIfMatch = copySourceIfMatch
        }

        package struct Output: Sendable, Codable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.put, bucket: bucket, key: key)
            request.add(header: "cache-control", cacheControl)
            request.add(header: "content-type", contentType)
            request.add(header: "x-amz-checksum-algorithm", checksumAlgorithm)
            request.add(header: "x-amz-copy-source", copySource.headerValue)
            request.add(header: "x-amz-copy-source-if-match", copySourceIfMatch)
            request.add(header: "x-amz-metadata-directive", metadataDirective)
            request.add(metadata: metadata)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "CopyObjectResult", response)
        }
    }

    /// Copies a range of another object to a part of a multipart upload, within S3.
    package struct UploadPartCopy: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:GetObject", "s3:PutObject"]

        package var bucket: String
        package var copySource: CopySource
        /// Ensures that all parts come from the same object, even if it is replaced meanwhile.
        package var copySourceIfMatch: String?
        /// Byte range of 5 MiB to 5 GiB; the last part may be smaller.
        package var copySourceRange: ClosedRange<Int>?
        package var key: String
        package var partNumber: Int
        package var uploadId: String

        package init(
            from copySource: CopySource, range: ClosedRange<Int>?, bucket: String, key: String, partNumber: Int,
            uploadId: String, copySourceIfMatch: String? = nil
        ) {
            self.copySource = copySource
            copySourceRange = range
            self.bucket = bucket
            self.key = key
            self.partNumber = partNumber
            self.uploadId = uploadId
            self.copySourceIfMatch = copySourceIfMatch
        }

        package struct Output: Sendable, Codable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.put, bucket: bucket, key: key)
            request.add(query: "partNumber", partNumber)
            request.add(query: "uploadId", uploadId)
            request.add(header: "x-amz-copy-source", copySource.headerValue)
            request.add(header: "x-amz-copy-source-if-match", copySourceIfMatch)
            request.add(
                header: "x-amz-copy-source-range",
                copySourceRange.map { "bytes=\($0.lowerBound)-\($0.upperBound)" })
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "CopyPartResult", response)
        }
    }
}

extension S3 {
    /// Deletes an object; succeeds if it does not exist.
    package struct DeleteObject: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var bucket: String
        package var key: String

        package typealias Output = NoOutput

        package init(bucket: String, key: String) {
            self.bucket = bucket
            self.key = key
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.delete, bucket: bucket, key: key)
        }

        package func decode(_ response: HTTPResponse) throws -> NoOutput {
            try response.expectNoContent()
            return NoOutput()
        }
    }

    /// Deletes at most 1,000 objects. The call succeeds even if some objects could not be deleted: the response lists
    /// them as errors.
    package struct DeleteObjects: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:DeleteObject", "s3:DeleteObjectVersion"]

        package var bucket: String
        package var objects: [Target]

        package init(bucket: String, keys: [String]) {
            self.init(bucket: bucket, objects: keys.map { Target(key: $0) })
        }

        package init(bucket: String, objects: [Target]) {
            self.bucket = bucket
            self.objects = objects
        }

        package struct Target: Sendable, Encodable, Hashable {
            package var key: String
            /// Without a version, a versioned bucket only marks the object as deleted.
            package var versionId: String?

            package init(key: String, versionId: String? = nil) {
                self.key = key
                self.versionId = versionId
            }
        }

        package struct Output: Sendable, Codable, Equatable {
            package var deleted: [Deleted]
            package var errors: [DeletionError]

            enum CodingKeys: String, CodingKey {
                case deleted
                case errors = "error"
            }
        }

        package struct Deleted: Sendable, Codable, Equatable {
            package var key: String
            package var versionId: String?
        }

        package struct DeletionError: Sendable, Codable, Equatable {
            package var key: String?
            package var versionId: String?
            package var code: String?
            package var message: String?
        }

        private struct Delete: Encodable {
            var object: [Target]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.post, bucket: bucket)
            request.add(query: "delete", "")
            request.add(header: "content-type", "application/xml")
            let delete = Delete(object: objects)
            request.body = try xmlBody(delete, root: "Delete", namespace: S3.namespace)
            // S3 rejects a batch deletion without a checksum.
            let checksum = Data(SHA256.hash(data: request.body)).base64EncodedString()
            request.add(header: "x-amz-checksum-sha256", checksum)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "DeleteResult", response)
        }
    }
}

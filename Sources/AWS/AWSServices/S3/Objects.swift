import AWSCore
import Crypto
import FoundationEssentials

extension S3 {
    /// What an object is, without its bytes. The error for one that is not there has the code `NotFound`.
    package struct HeadObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:GetObject"]

        package var bucket: String
        package var key: String
        package var partNumber: Int?
        package var ifMatch: String?
        /// `ENABLED` asks for checksums.
        package var checksumMode: String?

        package init(bucket: String, key: String, checksumMode: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.checksumMode = checksumMode
        }

        package struct Output: Sendable, Equatable {
            /// Bytes of the object, or of the part that was asked for.
            package var contentLength: Int
            package var eTag: String
            package var cacheControl: String?
            package var contentType: String?
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            package var checksumType: String?
            /// Only where a part was asked for.
            package var partsCount: Int?
            package var metadata: [String: String]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.head, bucket: bucket, key: key)
            request.add(query: "partNumber", partNumber)
            request.add(header: "if-match", ifMatch)
            request.add(header: "x-amz-checksum-mode", checksumMode)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            guard let length = response.number("content-length"), length >= 0 else {
                throw UnexpectedAnswer("expected the header Content-Length")
            }
            return Output(
                contentLength: length, eTag: try response.entityTag(), cacheControl: response.header("cache-control"),
                contentType: response.header("content-type"),
                checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"),
                checksumType: response.header("x-amz-checksum-type"),
                partsCount: response.number("x-amz-mp-parts-count"), metadata: response.metadata)
        }
    }
}

extension AWSClient {
    /// An object's description, `nil` where it is not there.
    func head(_ bucket: String, _ key: String) async throws -> S3.HeadObject.Output? {
        do {
            return try await call(S3.HeadObject(bucket: bucket, key: key, checksumMode: "ENABLED"))
        } catch let error as AWSError where error.code == "NotFound" || error.code == "NoSuchKey" {
            return nil
        }
    }
}

extension S3 {
    /// An object or a piece of it, in memory.
    package struct GetObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless

        package var bucket: String
        package var key: String
        /// Bytes, counted from 0. What is beyond the end is left out.
        package var range: ClosedRange<Int>?
        /// The piece that was uploaded as this part, with its checksum.
        package var partNumber: Int?
        /// Refused with `PreconditionFailed` where the object is another by now.
        package var ifMatch: String?
        /// `ENABLED` asks for checksums, with which the bytes are then compared.
        package var checksumMode: String? = "ENABLED"

        package init(bucket: String, key: String, range: ClosedRange<Int>? = nil, ifMatch: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.range = range
            self.ifMatch = ifMatch
        }

        package struct Output: Sendable, Equatable {
            package var body: [UInt8]
            package var eTag: String
            /// Which bytes of how many; `nil` where it is the whole object.
            package var contentRange: ContentRange?
            package var contentType: String?
            /// Of the whole object where it was asked for whole, or where the type is `FULL_OBJECT`.
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            /// `FULL_OBJECT`, or `COMPOSITE`: a checksum of the parts' checksums.
            package var checksumType: String?
            package var partsCount: Int?
            package var metadata: [String: String]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket, key: key)
            request.add(query: "partNumber", partNumber)
            request.add(header: "range", range.map { "bytes=\($0.lowerBound)-\($0.upperBound)" })
            request.add(header: "if-match", ifMatch)
            request.add(header: "x-amz-checksum-mode", checksumMode)
        }

        /// - Throws: `UnexpectedAnswer` where it is not the piece that was asked for, whole and as it was stored.
        package func decode(_ response: HTTPResponse) throws -> Output {
            let piece = response.header("content-range").flatMap { ContentRange($0) }
            if let range, response.status != 206 || piece?.bytes.lowerBound != range.lowerBound {
                throw UnexpectedAnswer("expected bytes from \(range.lowerBound) on, found \(response.summary)")
            }
            if let piece, piece.bytes.count != response.body.count {
                throw UnexpectedAnswer("expected \(piece.bytes.count) bytes, found \(response.summary)")
            }
            try compare(response)
            return Output(
                body: response.body, eTag: try response.entityTag(), contentRange: piece,
                contentType: response.header("content-type"),
                checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"),
                checksumType: response.header("x-amz-checksum-type"),
                partsCount: response.number("x-amz-mp-parts-count"), metadata: response.metadata)
        }

        /// A checksum is that of these bytes where they are a whole object or a whole part; one with a number of parts
        /// behind it is made of others.
        private func compare(_ response: HTTPResponse) throws {
            guard range == nil else { return }
            if let stored = response.header("x-amz-checksum-sha256"), !stored.contains("-"),
                stored != SHA256Checksum(of: response.body).base64
            {
                throw UnexpectedAnswer("the bytes are not those that S3 has stored (SHA-256)")
            }
            if let stored = response.header("x-amz-checksum-crc64nvme"), partNumber == nil,
                stored != CRC64NVME(of: response.body).base64
            {
                throw UnexpectedAnswer("the bytes are not those that S3 has stored (CRC-64/NVME)")
            }
        }
    }

    /// `bytes 0-99/1000`.
    package struct ContentRange: Sendable, Equatable {
        package var bytes: ClosedRange<Int>
        /// Of the whole object.
        package var size: Int

        package init?(_ text: String) {
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
    /// Doing it twice is doing it once, unless it is only to be stored where nothing is yet: then S3 refuses the
    /// second, and the object there is compared with the one that was sent.
    package struct PutObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.lookup(taken: ["PreconditionFailed"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["s3:PutObject", "s3:GetObject"]

        package var body: [UInt8]
        package var bucket: String
        package var cacheControl: String?
        package var contentType: String?
        /// In base64, as all checksums; S3 refuses other bytes with `BadDigest`. Where none is given, it is SHA-256.
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        /// `*`: only where no object has this key.
        package var ifNoneMatch: String?
        package var key: String
        /// At most 2 KB; names in lower case.
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

    /// Copies an object of at most 5 GB inside S3; no byte of it comes here.
    package struct CopyObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:GetObject", "s3:PutObject"]

        package var bucket: String
        package var cacheControl: String?
        /// The checksum that the copy is to have: `CRC64NVME` or `SHA256`.
        package var checksumAlgorithm: String?
        package var contentType: String?
        package var copySource: CopySource
        package var copySourceIfMatch: String?
        package var key: String
        package var metadata: [String: String] = [:]
        /// `REPLACE` takes cache control, content type and metadata from here, otherwise they are the source's.
        package var metadataDirective: String?

        package init(from copySource: CopySource, bucket: String, key: String, copySourceIfMatch: String? = nil) {
            self.copySource = copySource
            self.bucket = bucket
            self.key = key
            self.copySourceIfMatch = copySourceIfMatch
        }

        package struct Output: Sendable, Codable, Equatable {
            package var eTag: String
            package var lastModified: Date?
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

    /// Makes a part of a multipart upload from a piece of another object, inside S3.
    package struct UploadPartCopy: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:GetObject", "s3:PutObject"]

        package var bucket: String
        package var copySource: CopySource
        /// All parts are to come from the same object, also where somebody replaces it in the middle.
        package var copySourceIfMatch: String?
        /// Bytes, 5 MiB to 5 GiB, less for the last part.
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
            package var lastModified: Date?
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
    /// Succeeds too where there is no such object.
    package struct DeleteObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless

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

    /// At most 1,000 objects at once. It succeeds as a whole also where single ones could not be deleted: those are
    /// in the answer's errors.
    package struct DeleteObjects: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
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
            /// Without it a versioned bucket only marks the object as deleted.
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
            // S3 takes no list of deletions without a checksum.
            let checksum = Data(SHA256.hash(data: request.body)).base64EncodedString()
            request.add(header: "x-amz-checksum-sha256", checksum)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "DeleteResult", response)
        }
    }
}

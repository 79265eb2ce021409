import AWSCore
import Digests
import FoundationEssentials

extension S3 {
    /// Starts a multipart upload. It must be completed or aborted, since its parts are billed until then.
    package struct CreateMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: []) { try await $0.find(with: $1, since: $2) }
        package static let permissions = ["s3:PutObject", "s3:ListBucketMultipartUploads"]

        package var bucket: String
        package var cacheControl: String?
        package var contentType: String?
        package var key: String
        package var metadata: [String: String] = [:]
        /// `CRC64NVME` or `SHA256`.
        package var checksumAlgorithm: String?
        /// `FULL_OBJECT` for CRC64NVME, `COMPOSITE` for SHA-256.
        package var checksumType: String?

        package init(
            bucket: String, key: String, contentType: String? = nil, checksumAlgorithm: String? = nil,
            checksumType: String? = nil
        ) {
            self.bucket = bucket
            self.key = key
            self.contentType = contentType
            self.checksumAlgorithm = checksumAlgorithm
            self.checksumType = checksumType
        }

        package struct Output: Sendable, Codable, Equatable {
            package var uploadId: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.post, bucket: bucket, key: key)
            request.add(query: "uploads", "")
            request.add(header: "cache-control", cacheControl)
            request.add(header: "content-type", contentType)
            request.add(header: "x-amz-checksum-algorithm", checksumAlgorithm)
            request.add(header: "x-amz-checksum-type", checksumType)
            request.add(metadata: metadata)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "InitiateMultipartUploadResult", response)
        }

        /// Tolerance for clock differences and for S3's truncation of fractional seconds. It is kept small: an extra
        /// upload has no parts and costs nothing, but sharing another client's upload would mix two objects.
        private static let tolerance: TimeInterval = 5

        /// The newest upload of this key that this call may have started.
        private func find(with client: AWSClient, since start: Date) async throws -> Output? {
            let earliest = start.addingTimeInterval(-Self.tolerance)
            var list = ListMultipartUploads(bucket: bucket, prefix: key)
            var newest: Upload?
            var hasMore = true
            while hasMore {
                let page = try await client.call(list)
                let ours = page.uploads.filter { $0.key == key && $0.initiated >= earliest }
                newest = (ours + (newest.map { [$0] } ?? [])).max { $0.initiated < $1.initiated }
                // Keys are listed in order, so the key itself comes first among those with this prefix.
                hasMore = try page.uploads.last?.key == key && list.turn(after: page)
            }
            return newest.map { Output(uploadId: $0.uploadId) }
        }
    }

    /// Aborts an upload and deletes its parts.
    package struct AbortMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.removal(gone: ["NoSuchUpload"], NoOutput())

        package var bucket: String
        package var key: String
        package var uploadId: String

        package typealias Output = NoOutput

        package init(bucket: String, key: String, uploadId: String) {
            self.bucket = bucket
            self.key = key
            self.uploadId = uploadId
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.delete, bucket: bucket, key: key)
            request.add(query: "uploadId", uploadId)
        }

        package func decode(_ response: HTTPResponse) throws -> NoOutput {
            try response.expectNoContent()
            return NoOutput()
        }
    }
}

extension S3 {
    /// Uploads a part; uploading it again replaces it.
    package struct UploadPart: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:PutObject"]

        /// 5 MiB to 5 GiB; the last part may be smaller.
        /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
        package var body: [UInt8]
        package var bucket: String
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        package var key: String
        /// Part number: 1 to 10,000.
        package var partNumber: Int
        package var uploadId: String

        package init(bucket: String, key: String, uploadId: String, partNumber: Int, body: [UInt8]) {
            self.bucket = bucket
            self.key = key
            self.uploadId = uploadId
            self.partNumber = partNumber
            self.body = body
        }

        package struct Output: Sendable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.put, bucket: bucket, key: key)
            request.add(query: "partNumber", partNumber)
            request.add(query: "uploadId", uploadId)
            request.add(header: "x-amz-checksum-crc64nvme", checksumCRC64NVME)
            request.add(header: "x-amz-checksum-sha256", checksumSHA256)
            request.body = body
            request.bodyHash = checksumSHA256.flatMap { SHA256Checksum(base64: $0)?.hexadecimal }
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            Output(
                eTag: try response.storedTag(), checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"))
        }
    }
}

extension S3 {
    /// Assembles an object from its parts. S3 can take minutes and then fail with status 200 and an error document.
    package struct CompleteMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["NoSuchUpload", "PreconditionFailed"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts"]

        package var bucket: String
        package var key: String
        /// The parts in ascending order of their numbers.
        package var parts: [CompletedPart]
        package var uploadId: String
        /// The checksum of the whole object; S3 responds to a mismatch with `BadDigest`.
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        package var checksumType: String?
        /// Size of the whole object in bytes, which S3 verifies.
        package var mpuObjectSize: Int?
        /// `*`: fails if an object with this key exists.
        package var ifNoneMatch: String?

        package init(bucket: String, key: String, uploadId: String, parts: [CompletedPart]) {
            self.bucket = bucket
            self.key = key
            self.uploadId = uploadId
            self.parts = parts
        }

        package struct Output: Sendable, Codable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            package var checksumType: String?
        }

        private struct Document: Encodable {
            var part: [CompletedPart]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.post, bucket: bucket, key: key)
            request.add(query: "uploadId", uploadId)
            request.add(header: "content-type", "application/xml")
            request.add(header: "if-none-match", ifNoneMatch)
            request.add(header: "x-amz-checksum-crc64nvme", checksumCRC64NVME)
            request.add(header: "x-amz-checksum-sha256", checksumSHA256)
            request.add(header: "x-amz-checksum-type", checksumType)
            request.add(header: "x-amz-mp-object-size", mpuObjectSize)
            request.body = try xmlBody(
                Document(part: parts), root: "CompleteMultipartUpload", namespace: S3.namespace)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "CompleteMultipartUploadResult", response)
        }

        /// The object, provided that the upload is no longer open and the object consists of its parts.
        private func find(with client: AWSClient) async throws -> Output? {
            do {
                var list = ListParts(bucket: bucket, key: key, uploadId: uploadId)
                list.maxParts = 1
                _ = try await client.call(list)
                return nil
            } catch let error as AWSError where error.code == "NoSuchUpload" {}
            guard let found = try await client.head(bucket, key), isOurs(found) else { return nil }
            return Output(
                eTag: found.eTag, checksumCRC64NVME: found.checksumCRC64NVME, checksumSHA256: found.checksumSHA256,
                checksumType: found.checksumType)
        }

        private func isOurs(_ found: HeadObject.Output) -> Bool {
            if let checksumCRC64NVME, let other = found.checksumCRC64NVME { return other == checksumCRC64NVME }
            if let checksumSHA256, let other = found.checksumSHA256 { return other == checksumSHA256 }
            return found.eTag == expectedTag
        }

        /// The ETag of a multipart object: the MD5 of the parts' MD5s, and their number. It differs if the bucket
        /// encrypts with KMS keys.
        /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
        private var expectedTag: String? {
            var digests: [UInt8] = []
            for part in parts {
                let digits = Array(part.eTag.utf8.filter { $0 != UInt8(ascii: "\"") })
                guard digits.count == 32 else { return nil }
                for pair in stride(from: 0, to: 32, by: 2) {
                    guard let byte = UInt8(String(decoding: digits[pair..<pair + 2], as: UTF8.self), radix: 16)
                    else { return nil }
                    digests.append(byte)
                }
            }
            return "\"\(hex(Insecure.MD5.hash(data: digests)))-\(parts.count)\""
        }
    }

    package struct CompletedPart: Sendable, Codable, Equatable {
        package var eTag: String
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        package var partNumber: Int

        package init(
            partNumber: Int, eTag: String, checksumCRC64NVME: String? = nil, checksumSHA256: String? = nil
        ) {
            self.partNumber = partNumber
            self.eTag = eTag
            self.checksumCRC64NVME = checksumCRC64NVME
            self.checksumSHA256 = checksumSHA256
        }
    }
}

extension S3 {
    /// Lists the uploaded parts; fails with `NoSuchUpload` if the upload was completed or aborted.
    package struct ListParts: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:ListMultipartUploadParts"]

        package var bucket: String
        package var key: String
        /// At most 1,000 parts per page.
        package var maxParts: Int?
        package var partNumberMarker: Int?
        package var uploadId: String

        package init(bucket: String, key: String, uploadId: String) {
            self.bucket = bucket
            self.key = key
            self.uploadId = uploadId
        }

        package struct Output: Sendable, Codable, Equatable {
            package var nextPartNumberMarker: Int?
            package var isTruncated: Bool
            package var parts: [Part]
            package var checksumAlgorithm: String?
            package var checksumType: String?

            enum CodingKeys: String, CodingKey {
                case nextPartNumberMarker, isTruncated
                case parts = "part"
                case checksumAlgorithm, checksumType
            }
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket, key: key)
            request.add(query: "max-parts", maxParts)
            request.add(query: "part-number-marker", partNumberMarker)
            request.add(query: "uploadId", uploadId)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "ListPartsResult", response)
        }

        package static func items(of page: Output) -> [Part] { page.parts }

        package mutating func turn(after page: Output) throws -> Bool {
            guard page.isTruncated, let next = page.nextPartNumberMarker else { return false }
            guard next != partNumberMarker else { throw UnexpectedResponse.sameToken }
            partNumberMarker = next
            return true
        }
    }

    package struct Part: Sendable, Codable, Equatable {
        package var partNumber: Int
        package var eTag: String
        /// Size in bytes.
        package var size: Int
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
    }
}

extension S3 {
    /// Lists uploads that were neither completed nor aborted; their parts are billed.
    package struct ListMultipartUploads: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:ListBucketMultipartUploads"]

        package var bucket: String
        package var keyMarker: String?
        /// At most 1,000 uploads per page.
        package var maxUploads: Int?
        package var prefix: String?
        package var uploadIdMarker: String?

        package init(bucket: String, prefix: String? = nil) {
            self.bucket = bucket
            self.prefix = prefix
        }

        package struct Output: Sendable, Codable, Equatable {
            package var nextKeyMarker: String?
            package var nextUploadIdMarker: String?
            package var isTruncated: Bool
            package var uploads: [Upload]
            package var encodingType: String?

            enum CodingKeys: String, CodingKey {
                case nextKeyMarker, nextUploadIdMarker, isTruncated
                case uploads = "upload"
                case encodingType
            }
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket)
            request.add(query: "uploads", "")
            request.add(query: "encoding-type", "url")
            request.add(query: "key-marker", keyMarker)
            request.add(query: "max-uploads", maxUploads)
            request.add(query: "prefix", prefix)
            request.add(query: "upload-id-marker", uploadIdMarker)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            var page: Output = try decodeDocument(root: "ListMultipartUploadsResult", response)
            page.nextKeyMarker = page.nextKeyMarker.map { plain($0, page.encodingType) }
            for index in page.uploads.indices {
                page.uploads[index].key = plain(page.uploads[index].key, page.encodingType)
            }
            return page
        }

        package static func items(of page: Output) -> [Upload] { page.uploads }

        package mutating func turn(after page: Output) throws -> Bool {
            guard page.isTruncated, let next = page.nextKeyMarker else { return false }
            // One key can have more uploads than fit on a page, so only both markers together must advance.
            guard (next, page.nextUploadIdMarker) != (keyMarker, uploadIdMarker) else {
                throw UnexpectedResponse.sameToken
            }
            (keyMarker, uploadIdMarker) = (next, page.nextUploadIdMarker)
            return true
        }
    }

    package struct Upload: Sendable, Codable, Equatable {
        package var uploadId: String
        package var key: String
        package var initiated: Date
        package var checksumAlgorithm: String?
        package var checksumType: String?
    }
}

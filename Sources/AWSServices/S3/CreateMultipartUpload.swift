import AWSCore
import FoundationEssentials

extension S3 {
    /// Begins an upload in parts. It must be completed or aborted: what was sent is paid for until then.
    package struct CreateMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.lookup(taken: []) { try await $0.find(with: $1, since: $2) }
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

        /// Clocks differ by this much, and S3 cuts off fractions of a second. Not more: one upload too many has no parts
        /// and costs nothing, but somebody else's would be a mixture in the end.
        private static let tolerance: TimeInterval = 5

        /// The newest upload of this key that can have begun in this call.
        private func find(with client: AWSClient, since start: Date) async throws -> Output? {
            let earliest = start.addingTimeInterval(-Self.tolerance)
            var list = ListMultipartUploads(bucket: bucket, prefix: key)
            var newest: Upload?
            var hasMore = true
            while hasMore {
                let page = try await client.call(list)
                let ours = page.uploads.filter { $0.key == key && $0.initiated >= earliest }
                newest = (ours + (newest.map { [$0] } ?? [])).max { $0.initiated < $1.initiated }
                // Keys come in order, and the key itself is the first of those that begin with it.
                hasMore = try page.uploads.last?.key == key && list.turn(after: page)
            }
            return newest.map { Output(uploadId: $0.uploadId) }
        }
    }

    /// Drops an upload and its parts.
    package struct AbortMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.removal(gone: ["NoSuchUpload"], NoOutput())

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

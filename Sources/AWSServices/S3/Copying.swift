import AWSCore
import FoundationEssentials

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

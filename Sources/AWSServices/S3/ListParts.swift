import AWSCore
import FoundationEssentials

extension S3 {
    /// What of an upload is there already; `NoSuchUpload` where it was completed or aborted.
    package struct ListParts: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:ListMultipartUploadParts"]

        package var bucket: String
        package var key: String
        /// At most 1,000 a page.
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
            guard next != partNumberMarker else { throw UnexpectedAnswer.sameToken }
            partNumberMarker = next
            return true
        }
    }

    package struct Part: Sendable, Codable, Equatable {
        package var partNumber: Int
        package var eTag: String
        /// Bytes.
        package var size: Int
        package var lastModified: Date?
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
    }
}

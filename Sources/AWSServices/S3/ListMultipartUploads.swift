import AWSCore
import FoundationEssentials

extension S3 {
    /// Uploads that were neither completed nor aborted; their parts are paid for.
    package struct ListMultipartUploads: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:ListBucketMultipartUploads"]

        package var bucket: String
        package var keyMarker: String?
        /// At most 1,000 a page.
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
            // One key can have more uploads than fit on a page, so that only both together must go on.
            guard (next, page.nextUploadIdMarker) != (keyMarker, uploadIdMarker) else {
                throw UnexpectedAnswer.sameToken
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

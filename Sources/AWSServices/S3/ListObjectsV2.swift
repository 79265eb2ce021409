import AWSCore
import FoundationEssentials

extension S3 {
    /// Objects in the order of their keys.
    package struct ListObjectsV2: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:ListBucket"]

        package var bucket: String
        /// `/` gathers what is in folders into common prefixes.
        package var delimiter: String?
        /// At most 1,000 a page, which is the default.
        package var maxKeys: Int?
        package var prefix: String?
        package var continuationToken: String?
        /// Keys after this one.
        package var startAfter: String?

        package init(bucket: String, prefix: String? = nil) {
            self.bucket = bucket
            self.prefix = prefix
        }

        package struct Output: Sendable, Codable, Equatable {
            package var isTruncated: Bool
            package var contents: [Object]
            package var commonPrefixes: [CommonPrefix]
            package var encodingType: String?
            package var nextContinuationToken: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket)
            request.add(query: "list-type", 2)
            request.add(query: "delimiter", delimiter)
            request.add(query: "encoding-type", "url")
            request.add(query: "max-keys", maxKeys)
            request.add(query: "prefix", prefix)
            request.add(query: "continuation-token", continuationToken)
            request.add(query: "start-after", startAfter)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            var page: Output = try decodeDocument(root: "ListBucketResult", response)
            for index in page.contents.indices {
                page.contents[index].key = plain(page.contents[index].key, page.encodingType)
            }
            for index in page.commonPrefixes.indices {
                page.commonPrefixes[index].prefix = plain(page.commonPrefixes[index].prefix, page.encodingType)
            }
            return page
        }

        package static func items(of page: Output) -> [Object] { page.contents }

        package mutating func turn(after page: Output) throws -> Bool {
            try page.isTruncated && advance(&continuationToken, to: page.nextContinuationToken)
        }
    }

    package struct Object: Sendable, Codable, Equatable {
        package var key: String
        package var lastModified: Date
        package var eTag: String
        /// Bytes.
        package var size: Int
        package var storageClass: String?
    }

    package struct CommonPrefix: Sendable, Codable, Equatable {
        package var prefix: String
    }
}

import AWSCore
import Crypto
import FoundationEssentials

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
        package static let permissions = ["s3:DeleteObject"]

        package var bucket: String
        package var keys: [String]

        package init(bucket: String, keys: [String]) {
            self.bucket = bucket
            self.keys = keys
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
        }

        package struct DeletionError: Sendable, Codable, Equatable {
            package var key: String?
            package var code: String?
            package var message: String?
        }

        private struct Delete: Encodable {
            struct Object: Encodable {
                var key: String
            }

            var object: [Object]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.post, bucket: bucket)
            request.add(query: "delete", "")
            request.add(header: "content-type", "application/xml")
            let delete = Delete(object: keys.map { .init(key: $0) })
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

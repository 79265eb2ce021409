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

import AWSCore

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

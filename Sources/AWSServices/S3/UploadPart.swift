import AWSCore

extension S3 {
    /// Sends a part; sending it again replaces it.
    package struct UploadPart: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions = ["s3:PutObject"]

        /// 5 MiB to 5 GiB, less for the last part.
        /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
        package var body: [UInt8]
        package var bucket: String
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        package var key: String
        /// 1 to 10,000.
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

import AWSCore
import Crypto

extension S3 {
    /// Makes the object of its parts. S3 can take minutes and then fail with status 200 and an error in the document.
    package struct CompleteMultipartUpload: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.lookup(taken: ["NoSuchUpload", "PreconditionFailed"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts"]

        package var bucket: String
        package var key: String
        /// In the order of their numbers.
        package var parts: [CompletedPart]
        package var uploadId: String
        /// Of the whole object; S3 refuses with `BadDigest` where it has other bytes.
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        package var checksumType: String?
        /// Bytes of the whole object, which S3 then compares.
        package var mpuObjectSize: Int?
        /// `*`: only where no object has this key.
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

        /// The object, provided that the upload is no longer open and the object is made of its parts.
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

        /// The MD5 of the parts' MD5s and their number; not so where the bucket encrypts with keys of KMS.
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

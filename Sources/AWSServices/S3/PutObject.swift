import AWSCore
import Crypto

extension S3 {
    /// Stores an object of at most 5 GB in one request.
    ///
    /// Doing it twice is doing it once, unless it is only to be stored where nothing is yet: then S3 refuses the
    /// second, and the object there is compared with the one that was sent.
    package struct PutObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.lookup(taken: ["PreconditionFailed"]) {
            try await $0.find(with: $1)
        }
        package static let permissions = ["s3:PutObject", "s3:GetObject"]

        package var body: [UInt8]
        package var bucket: String
        package var cacheControl: String?
        package var contentType: String?
        /// In base64, as all checksums; S3 refuses other bytes with `BadDigest`. Where none is given, it is SHA-256.
        package var checksumCRC64NVME: String?
        package var checksumSHA256: String?
        /// `*`: only where no object has this key.
        package var ifNoneMatch: String?
        package var key: String
        /// At most 2 KB; names in lower case.
        package var metadata: [String: String] = [:]

        package init(bucket: String, key: String, body: [UInt8], contentType: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.body = body
            self.contentType = contentType
        }

        package struct Output: Sendable, Equatable {
            package var eTag: String
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.put, bucket: bucket, key: key)
            request.add(header: "cache-control", cacheControl)
            request.add(header: "content-type", contentType)
            request.add(header: "if-none-match", ifNoneMatch)
            request.add(header: "x-amz-checksum-crc64nvme", checksumCRC64NVME)
            let checksum =
                checksumSHA256 ?? (checksumCRC64NVME == nil ? SHA256Checksum(of: body).base64 : nil)
            request.add(header: "x-amz-checksum-sha256", checksum)
            request.add(metadata: metadata)
            request.body = body
            request.bodyHash = checksum.flatMap { SHA256Checksum(base64: $0)?.hexadecimal }
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            Output(
                eTag: try response.storedTag(), checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"))
        }

        private func find(with client: AWSClient) async throws -> Output? {
            guard ifNoneMatch != nil, let found = try await client.head(bucket, key) else { return nil }
            let isSame: Bool
            if let checksumCRC64NVME, let other = found.checksumCRC64NVME {
                isSame = other == checksumCRC64NVME
            } else if let checksumSHA256, let other = found.checksumSHA256 {
                isSame = other == checksumSHA256
            } else {
                isSame = found.eTag == "\"\(hex(Insecure.MD5.hash(data: body)))\""
            }
            guard isSame else { return nil }
            return Output(
                eTag: found.eTag, checksumCRC64NVME: found.checksumCRC64NVME, checksumSHA256: found.checksumSHA256)
        }
    }
}

extension HTTPRequest {
    mutating func add(metadata: [String: String]) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            add(header: "x-amz-meta-\(name.lowercased())", value)
        }
    }
}

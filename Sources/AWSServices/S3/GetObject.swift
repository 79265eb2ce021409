import AWSCore

extension S3 {
    /// An object or a piece of it, in memory.
    package struct GetObject: RESTXMLOperation {
        package static let service = S3.service
        package static let repetition = Repetition<Self>.harmless

        package var bucket: String
        package var key: String
        /// Bytes, counted from 0. What is beyond the end is left out.
        package var range: ClosedRange<Int>?
        /// The piece that was uploaded as this part, with its checksum.
        package var partNumber: Int?
        /// Refused with `PreconditionFailed` where the object is another by now.
        package var ifMatch: String?
        /// `ENABLED` asks for checksums, with which the bytes are then compared.
        package var checksumMode: String? = "ENABLED"

        package init(bucket: String, key: String, range: ClosedRange<Int>? = nil, ifMatch: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.range = range
            self.ifMatch = ifMatch
        }

        package struct Output: Sendable, Equatable {
            package var body: [UInt8]
            package var eTag: String
            /// Which bytes of how many; `nil` where it is the whole object.
            package var contentRange: ContentRange?
            package var contentType: String?
            /// Of the whole object where it was asked for whole, or where the type is `FULL_OBJECT`.
            package var checksumCRC64NVME: String?
            package var checksumSHA256: String?
            /// `FULL_OBJECT`, or `COMPOSITE`: a checksum of the parts' checksums.
            package var checksumType: String?
            package var partsCount: Int?
            package var metadata: [String: String]
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket, key: key)
            request.add(query: "partNumber", partNumber)
            request.add(header: "range", range.map { "bytes=\($0.lowerBound)-\($0.upperBound)" })
            request.add(header: "if-match", ifMatch)
            request.add(header: "x-amz-checksum-mode", checksumMode)
        }

        /// - Throws: `UnexpectedAnswer` where it is not the piece that was asked for, whole and as it was stored.
        package func decode(_ response: HTTPResponse) throws -> Output {
            let piece = response.header("content-range").flatMap { ContentRange($0) }
            if let range, response.status != 206 || piece?.bytes.lowerBound != range.lowerBound {
                throw UnexpectedAnswer("expected bytes from \(range.lowerBound) on, found \(response.summary)")
            }
            if let piece, piece.bytes.count != response.body.count {
                throw UnexpectedAnswer("expected \(piece.bytes.count) bytes, found \(response.summary)")
            }
            try compare(response)
            return Output(
                body: response.body, eTag: try response.entityTag(), contentRange: piece,
                contentType: response.header("content-type"),
                checksumCRC64NVME: response.header("x-amz-checksum-crc64nvme"),
                checksumSHA256: response.header("x-amz-checksum-sha256"),
                checksumType: response.header("x-amz-checksum-type"),
                partsCount: response.number("x-amz-mp-parts-count"), metadata: response.metadata)
        }

        /// A checksum is that of these bytes where they are a whole object or a whole part; one with a number of parts
        /// behind it is made of others.
        private func compare(_ response: HTTPResponse) throws {
            guard range == nil else { return }
            if let stored = response.header("x-amz-checksum-sha256"), !stored.contains("-"),
                stored != SHA256Checksum(of: response.body).base64
            {
                throw UnexpectedAnswer("the bytes are not those that S3 has stored (SHA-256)")
            }
            if let stored = response.header("x-amz-checksum-crc64nvme"), partNumber == nil,
                stored != CRC64NVME(of: response.body).base64
            {
                throw UnexpectedAnswer("the bytes are not those that S3 has stored (CRC-64/NVME)")
            }
        }
    }

    /// `bytes 0-99/1000`.
    package struct ContentRange: Sendable, Equatable {
        package var bytes: ClosedRange<Int>
        /// Of the whole object.
        package var size: Int

        package init?(_ text: String) {
            guard let match = text.wholeMatch(of: /bytes ([0-9]+)-([0-9]+)\/([0-9]+)/), let first = Int(match.1),
                let last = Int(match.2), let size = Int(match.3), first <= last, last < size
            else { return nil }
            bytes = first...last
            self.size = size
        }
    }
}

import AWSCore
import Digests
import FoundationEssentials

/// EBS direct APIs: read and write the blocks of a snapshot without an instance.
package enum EBS {
    package static let service = Service(id: "EBS", signingName: "ebs", version: "2019-11-02", concurrency: 32)

    /// Block size in bytes. Source: <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html>
    package static let blockSize = 524_288

    package struct Tag: Sendable, Codable, Equatable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// SHA-256 in Base64, the only checksum that the service supports.
    package static func checksum(of bytes: [UInt8]) -> String {
        Data(SHA256.hash(data: bytes)).base64EncodedString()
    }
}

extension EBS {
    /// Lists the blocks of a snapshot that were ever written, in order; all others are zeros.
    package struct ListSnapshotBlocks: RESTJSONOperation, PagedOperation {
        package static let service = EBS.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var snapshotId: String
        package var nextToken: String?
        /// 100 to 10,000 blocks per page.
        package var maxResults: Int?
        package var startingBlockIndex: Int?

        package init(snapshotId: String) {
            self.snapshotId = snapshotId
        }

        package struct Output: Sendable, Codable, Equatable {
            package var blocks: [Block]?
            /// Size of the volume in GiB.
            package var volumeSize: Int?
            /// Block size in bytes.
            package var blockSize: Int?
            package var nextToken: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .get
            request.path = "/snapshots/\(percentEncoded(snapshotId))/blocks"
            request.add(query: "pageToken", nextToken)
            request.add(query: "maxResults", maxResults)
            request.add(query: "startingBlockIndex", startingBlockIndex)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeJSON(response, Self.service.keys)
        }

        package static func items(of page: Output) -> [Block] { page.blocks ?? [] }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct Block: Sendable, Codable, Equatable {
        package var blockIndex: Int
        /// Token required to read the block.
        package var blockToken: String
    }

    package struct GetSnapshotBlock: RESTJSONOperation {
        package static let service = EBS.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var snapshotId: String
        package var blockIndex: Int
        package var blockToken: String

        package init(snapshotId: String, blockIndex: Int, blockToken: String) {
            self.snapshotId = snapshotId
            self.blockIndex = blockIndex
            self.blockToken = blockToken
        }

        package struct Output: Sendable, Equatable {
            package var blockData: [UInt8]
            package var checksum: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .get
            request.path = "/snapshots/\(percentEncoded(snapshotId))/blocks/\(blockIndex)"
            request.add(query: "blockToken", blockToken)
        }

        /// - Throws: `UnexpectedResponse` if the bytes do not match AWS's checksum.
        package func decode(_ response: HTTPResponse) throws -> Output {
            let checksum = EBS.checksum(of: response.body)
            guard response.header("x-amz-checksum") == checksum else {
                throw UnexpectedResponse(
                    "expected block \(blockIndex) with the checksum \(response.header("x-amz-checksum") ?? "in a header")"
                        + ", found \(response.summary)")
            }
            return Output(blockData: response.body, checksum: checksum)
        }
    }
}

extension EBS {
    /// Creates an empty snapshot to write blocks to.
    package struct StartSnapshot: RESTJSONOperation, Codable {
        package static let service = EBS.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientToken)
        package static let permissions = ["ebs:StartSnapshot", "ec2:CreateTags"]

        /// Size in GiB: 1 to 65,536.
        package var volumeSize: Int
        package var tags: [Tag]?
        package var description: String?
        package var clientToken: String?
        /// Minutes without a new block after which the snapshot fails: 10 to 4,320; 60 by default.
        package var timeout: Int?

        package init(volumeSize: Int, description: String? = nil, tags: [Tag]? = nil) {
            self.volumeSize = volumeSize
            self.description = description
            self.tags = tags
        }

        package struct Output: Sendable, Codable, Equatable {
            package var snapshotId: String
            package var status: String?
            package var volumeSize: Int?
            /// Block size in bytes.
            package var blockSize: Int?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .post
            request.path = "/snapshots"
            request.add(header: "content-type", "application/json")
            request.body = try jsonBody(self, Self.service.keys)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeJSON(response, Self.service.keys)
        }
    }

    /// Writes a block; writing it again replaces it.
    package struct PutSnapshotBlock: RESTJSONOperation {
        package static let service = EBS.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package let snapshotId: String
        /// Position on the disk, in blocks.
        package let blockIndex: Int
        package let blockData: [UInt8]
        package let checksum: String

        /// - Parameter blockData: 524,288 bytes.
        package init(snapshotId: String, blockIndex: Int, blockData: [UInt8]) {
            self.snapshotId = snapshotId
            self.blockIndex = blockIndex
            self.blockData = blockData
            checksum = EBS.checksum(of: blockData)
        }

        package struct Output: Sendable, Equatable {
            package var checksum: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .put
            request.path = "/snapshots/\(percentEncoded(snapshotId))/blocks/\(blockIndex)"
            request.add(header: "content-type", "application/octet-stream")
            request.add(header: "x-amz-data-length", blockData.count)
            request.add(header: "x-amz-checksum", checksum)
            request.add(header: "x-amz-checksum-algorithm", "SHA256")
            request.body = blockData
        }

        /// - Throws: `UnexpectedResponse` if AWS's checksum does not match the data sent.
        package func decode(_ response: HTTPResponse) throws -> Output {
            guard response.header("x-amz-checksum") == checksum else {
                throw UnexpectedResponse(
                    "expected the checksum of block \(blockIndex), \(checksum), found "
                        + (response.header("x-amz-checksum") ?? "none with \(response.summary)"))
            }
            return Output(checksum: checksum)
        }
    }

    /// Completes a snapshot; its status changes to `completed` some time later.
    package struct CompleteSnapshot: RESTJSONOperation {
        package static let service = EBS.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["ValidationException"]) { wanted, client in
            let search = EC2.DescribeSnapshots(snapshotIds: [wanted.snapshotId])
            let isDone = try await client.call(search).snapshots.contains { $0.state == "completed" }
            return isDone ? Output(status: "completed") : nil
        }
        package static let permissions = ["ebs:CompleteSnapshot", "ec2:DescribeSnapshots"]

        package var snapshotId: String
        /// Number of blocks written; AWS rejects a mismatch.
        package var changedBlocksCount: Int
        /// SHA-256 of the checksums of all blocks in index order, in Base64.
        package var checksum: String?

        package init(snapshotId: String, changedBlocksCount: Int, checksum: String? = nil) {
            self.snapshotId = snapshotId
            self.changedBlocksCount = changedBlocksCount
            self.checksum = checksum
        }

        package struct Output: Sendable, Codable, Equatable {
            /// `pending`, `completed` or `error`.
            package var status: String
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.method = .post
            request.path = "/snapshots/completion/\(percentEncoded(snapshotId))"
            request.add(header: "x-amz-changedblockscount", changedBlocksCount)
            request.add(header: "x-amz-checksum", checksum)
            request.add(header: "x-amz-checksum-algorithm", checksum.map { _ in "SHA256" })
            request.add(header: "x-amz-checksum-aggregation-method", checksum.map { _ in "LINEAR" })
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeJSON(response, Self.service.keys)
        }
    }
}

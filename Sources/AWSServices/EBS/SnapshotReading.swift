import AWSCore
import FoundationEssentials

extension EBS {
    /// Which blocks of a snapshot were ever written, in order; the others are zeros.
    package struct ListSnapshotBlocks: RESTJSONOperation, PagedOperation {
        package static let service = EBS.service
        package static let repetition = Repetition<Self>.harmless

        package var snapshotId: String
        package var nextToken: String?
        /// 100 to 10,000 a page.
        package var maxResults: Int?
        package var startingBlockIndex: Int?

        package init(snapshotId: String) {
            self.snapshotId = snapshotId
        }

        package struct Output: Sendable, Codable, Equatable {
            package var blocks: [Block]?
            /// When the tokens of the blocks end, a week after.
            package var expiryTime: Date?
            /// GiB.
            package var volumeSize: Int?
            /// Bytes.
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
        /// Asked for when the block is read.
        package var blockToken: String
    }

    package struct GetSnapshotBlock: RESTJSONOperation {
        package static let service = EBS.service
        package static let repetition = Repetition<Self>.harmless

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

        /// - Throws: `UnexpectedAnswer` where the bytes are not those that AWS has.
        package func decode(_ response: HTTPResponse) throws -> Output {
            let checksum = EBS.checksum(of: response.body)
            guard response.header("x-amz-checksum") == checksum else {
                throw UnexpectedAnswer(
                    "expected block \(blockIndex) with the checksum \(response.header("x-amz-checksum") ?? "in a header")"
                        + ", found \(response.summary)")
            }
            return Output(blockData: response.body, checksum: checksum)
        }
    }
}

import AWSCore
import Crypto
import FoundationEssentials

/// EBS direct: the blocks of a snapshot, read and written without any machine.
package enum EBS {
    package static let service = Service(id: "EBS", signingName: "ebs", version: "2019-11-02", concurrency: 32)

    /// Bytes of every block. Source: <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html>
    package static let blockSize = 524_288

    package struct Tag: Sendable, Codable, Equatable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// SHA-256 in base64, the only checksum that the service knows.
    package static func checksum(of bytes: [UInt8]) -> String {
        Data(SHA256.hash(data: bytes)).base64EncodedString()
    }
}

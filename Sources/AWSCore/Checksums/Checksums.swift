import Crypto
import FoundationEssentials

package func base64Text(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString()
}

/// SHA-256 of a part, once for its signature (in hexadecimal) and once as its checksum (in Base64).
package struct SHA256Checksum: Sendable, Equatable {
    package let bytes: [UInt8]

    package init(of body: [UInt8]) {
        bytes = Array(SHA256.hash(data: body))
    }

    package init?(base64: String) {
        guard let data = Data(base64Encoded: base64), data.count == 32 else { return nil }
        bytes = Array(data)
    }

    package var hexadecimal: String { hex(bytes) }
    package var base64: String { base64Text(bytes) }

    /// What S3 keeps of an object of several parts: the digest of their digests, and their number.
    package static func composite(of parts: [SHA256Checksum]) -> String {
        "\(SHA256Checksum(of: parts.flatMap(\.bytes)).base64)-\(parts.count)"
    }
}

import Digests
import FoundationEssentials

package func base64Text(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString()
}

/// SHA-256 of a part, computed once for both the signature (hexadecimal) and the checksum (Base64).
package struct SHA256Checksum: Sendable, Equatable {
    package let bytes: [UInt8]

    package init(of body: [UInt8]) {
        bytes = SHA256.hash(data: body)
    }

    package init?(base64: String) {
        guard let data = Data(base64Encoded: base64), data.count == 32 else { return nil }
        bytes = Array(data)
    }

    package var hexadecimal: String { hex(bytes) }
    package var base64: String { base64Text(bytes) }

    /// The checksum that S3 stores for a multipart object: the digest of the parts' digests, and the number of parts.
    package static func composite(of parts: [SHA256Checksum]) -> String {
        "\(SHA256Checksum(of: parts.flatMap(\.bytes)).base64)-\(parts.count)"
    }
}

/// The checksum that S3 stores for every whole object: CRC-64/NVME, eight bytes.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>; parameters
/// <https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme>
package struct CRC64NVME: Sendable, Equatable {
    package private(set) var value: UInt64 = 0

    package init() {}

    package init(of bytes: [UInt8]) {
        update(bytes)
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Processes eight bytes at a time with eight lookup tables ("slicing by 8").
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var crc = ~value
        let whole = bytes.count & ~7
        Self.tables.withUnsafeBufferPointer { table in
            var offset = 0
            while offset < whole {
                let word = crc ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let low =
                    table[1792 + Int(word & 255)] ^ table[1536 + Int(word >> 8 & 255)]
                    ^ table[1280 + Int(word >> 16 & 255)] ^ table[1024 + Int(word >> 24 & 255)]
                let high =
                    table[768 + Int(word >> 32 & 255)] ^ table[512 + Int(word >> 40 & 255)]
                    ^ table[256 + Int(word >> 48 & 255)] ^ table[Int(word >> 56)]
                crc = low ^ high
                offset += 8
            }
            while offset < bytes.count {
                crc = table[Int((crc ^ UInt64(bytes[offset])) & 255)] ^ crc >> 8
                offset += 1
            }
        }
        value = ~crc
    }

    /// The header value: eight bytes, most significant first, in Base64.
    package var base64: String { base64Text(withUnsafeBytes(of: value.bigEndian) { Array($0) }) }

    private static let polynomial: UInt64 = 0x9A6C_9329_AC4B_C9B5

    private static let tables: [UInt64] = {
        var tables = (0..<256).map { byte in
            (0..<8).reduce(UInt64(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ polynomial : crc >> 1 }
        }
        for index in 256..<2048 {
            let previous = tables[index - 256]
            tables.append(tables[Int(previous & 255)] ^ previous >> 8)
        }
        return tables
    }()
}

import AWSCore
import Testing

@Suite("Checksums")
struct ChecksumTests {
    /// Check value: <https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme>
    @Test("CRC-64/NVME matches the catalogue's check value, in one piece and in two")
    func check() {
        let bytes = Array("123456789".utf8)
        #expect(CRC64NVME(of: bytes).value == 0xAE8B_1486_0A79_9888)
        #expect(CRC64NVME(of: bytes).base64 == "rosUhgp5mIg=")
        #expect(CRC64NVME(of: []).base64 == "AAAAAAAAAAA=")
        for cut in 0...bytes.count {
            var crc = CRC64NVME(of: Array(bytes[..<cut]))
            crc.update(Array(bytes[cut...]))
            #expect(crc.value == 0xAE8B_1486_0A79_9888)
        }
    }

    @Test("checksums of parts combine to the checksum of the whole", arguments: [0, 1, 7, 8, 9, 4096, 100_001])
    func combine(_ length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 251) }
        for cut in [0, 1, length / 3, length].filter({ $0 <= length }) {
            let (head, tail) = (CRC64NVME(of: Array(bytes[..<cut])), CRC64NVME(of: Array(bytes[cut...])))
            #expect(head.followed(by: tail, ofLength: length - cut) == CRC64NVME(of: bytes))
        }
    }

    @Test("a composite checksum is the digest of the part digests, and their number")
    func composite() {
        let parts = ["a", "b"].map { SHA256Checksum(of: Array($0.utf8)) }
        // Computed by Python: sha256(sha256(b"a").digest() + sha256(b"b").digest()).
        #expect(SHA256Checksum.composite(of: parts) == "5aAf7hTg7VxIcU8iGA8lrYNltT+XefedxKPX6Tlj+Uo=-2")
        #expect(parts[0].hexadecimal == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
        #expect(SHA256Checksum(base64: parts[1].base64) == parts[1])
        #expect(SHA256Checksum(base64: "AAAA") == nil)
    }
}

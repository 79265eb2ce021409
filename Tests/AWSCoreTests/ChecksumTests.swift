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

import Digests
import Testing

@Suite("Digests")
struct DigestsTests {
    /// Examples of FIPS 180-4: <https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values>
    @Test(
        "SHA-256 of the examples of its standard",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func sha256(_ text: String, _ digest: String) {
        #expect(hexadecimal(SHA256.hash(data: Array(text.utf8))) == digest)
        var hash = SHA256()
        for byte in text.utf8 { hash.update(data: [byte]) }
        #expect(hexadecimal(hash.finalize()) == digest)
    }

    @Test("pieces have the digest of the whole", arguments: [1 << 20, 65_537, 4096, 63])
    func pieces(of length: Int) {
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 251) }
        var (arrays, buffers) = (SHA256(), SHA256())
        for start in stride(from: 0, to: bytes.count, by: length) {
            let piece = Array(bytes[start..<min(start + length, bytes.count)])
            arrays.update(data: piece)
            piece.withUnsafeBytes { buffers.update(bufferPointer: $0) }
        }
        #expect(arrays.finalize() == SHA256.hash(data: bytes))
        #expect(buffers.finalize() == SHA256.hash(data: bytes))
    }

    @Test("MD5 of pieces is that of the whole")
    func md5OfPieces() {
        var hash = Insecure.MD5()
        for piece in ["message", " ", "digest"] {
            Array(piece.utf8).withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        // RFC 1321, A.5
        #expect(hash.finalize() == Insecure.MD5.hash(data: Array("message digest".utf8)))
        #expect(hexadecimal(hash.finalize()) == "f96b697d7cb7938d525a2f31aaf161d0")
    }

    @Test("no bytes change nothing, whether they have an address or not")
    func nothing() {
        var hash = SHA256()
        hash.update(data: [])
        hash.update(bufferPointer: UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(hash.finalize() == SHA256.hash(data: []))
    }

    @Test("a copy and its original go on separately, also after they were asked for their digest")
    func copies() {
        var one = SHA256()
        one.update(data: Array("a".utf8))
        var other = one
        other.update(data: Array("x".utf8))
        #expect(one.finalize() == SHA256.hash(data: Array("a".utf8)))
        one.update(data: Array("bc".utf8))
        #expect(one.finalize() == SHA256.hash(data: Array("abc".utf8)))
        #expect(other.finalize() == SHA256.hash(data: Array("ax".utf8)))
    }

    @Test("tasks that share a hash do not disturb each other")
    func tasks() async {
        var start = SHA256()
        start.update(data: Array("a".utf8))
        await withTaskGroup(of: Bool.self) { [start] group in
            for number in 0..<100 {
                group.addTask {
                    var hash = start
                    hash.update(data: Array("\(number)".utf8))
                    return hash.finalize() == SHA256.hash(data: Array("a\(number)".utf8))
                }
            }
            for await isSame in group { #expect(isSame) }
        }
    }

    /// Sources: RFC 1321, section A.5, and FIPS 180-4.
    @Test("MD5 and SHA-1 of the examples of their standards")
    func insecure() {
        let abc = Array("abc".utf8)
        #expect(hexadecimal(Insecure.MD5.hash(data: [])) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(hexadecimal(Insecure.MD5.hash(data: abc)) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(hexadecimal(Insecure.SHA1.hash(data: [])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(hexadecimal(Insecure.SHA1.hash(data: abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    /// RFC 4231, test cases 2 and 6, and neither key nor message.
    @Test(
        "HMAC-SHA256 of the examples of RFC 4231",
        arguments: [
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ] as [([UInt8], String, String)])
    func hmac(_ key: [UInt8], _ message: String, _ code: String) {
        #expect(hexadecimal(HMAC.sha256(of: Array(message.utf8), key: key)) == code)
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

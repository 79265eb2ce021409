import Glibc
import Testing

@testable import Workbench

@Suite("A secret in a file")
struct SecretLineTests {
    @Test(
        "is the first line, without what an editor adds",
        arguments: [
            ("pass word", "pass word"), ("pass\n", "pass"), ("pass\r\nmore\r\n", "pass"), ("\u{FEFF}pass\n", "pass"),
            ("pässwörd\n", "pässwörd"), ("", ""), ("\nmore", ""), ("pass\n\0", "pass"),
        ])
    func line(text: String, expected: String) throws {
        #expect(try SecretLine.parse(Array(text.utf8)) == expected)
    }

    @Test(
        "is refused if it has characters that nobody can type",
        arguments: [
            ([0x70, 0xE4, 0x73], "is not UTF-8 text"), ([0xFF, 0xFE, 0x70, 0], "is not UTF-8 text"),
            ([0x70, 0], "contains a control character"), ([0x70, 9], "contains a control character"),
            ([0x70, 0x0D, 0x70], "contains a control character"), ([0x1B, 0x70], "contains a control character"),
            ([0x70, 0xC2, 0x85], "contains a control character"), ([0xE2, 0x80, 0xA8], "contains a control character"),
            ([0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF, 0x70], "begins with a byte order mark"),
            ([UInt8](repeating: 0x70, count: SecretLine.limit + 1), "has more than 4096 bytes"),
        ] as [([UInt8], String)])
    func mistakes(bytes: [UInt8], reason: String) {
        #expect(throws: SecretLine.Mistake(reason: reason)) { try SecretLine.parse(bytes) }
    }

    @Test("is read up to a limit, also from a device without an end")
    func device() {
        #expect(throws: SecretLine.Mistake(reason: "has more than 4096 bytes")) { try SecretLine.read("/dev/zero") }
        #expect(throws: FileError("read", "/dev/zero", code: EFBIG)) { try readText("/dev/zero", atMost: 1 << 20) }
    }
}

import Sandbox
import Testing

@testable import DiskImages

struct SignatureTests {
    private func bytes(_ pieces: [Int: [UInt8]], count: Int = 1536) -> [UInt8] {
        var all = [UInt8](repeating: 0, count: count)
        for (offset, piece) in pieces { all.replaceSubrange(offset..<offset + piece.count, with: piece) }
        return all
    }

    private func find(_ head: [Int: [UInt8]], end: [Int: [UInt8]] = [:], length: Int64 = 1 << 20) -> ImageSignature? {
        ImageSignature.find(head: bytes(head), end: bytes(end), length: length)
    }

    private let cutOff = "truncated or incomplete"
    private let conectix = Array("conectix".utf8)
    private let kdmv = Array("KDMV".utf8)
    private let noDirectory = [UInt8](repeating: 0xff, count: 8)

    @Test func signatures() {
        #expect(find([0: [0x51, 0x46, 0x49, 0xfb]]) == .init(format: .qcow2))
        #expect(find([0: conectix, 63: [3]], end: [1024: conectix]) == .init(format: .vhd, subformat: "dynamic"))
        #expect(find([:], end: [1024: conectix, 1024 + 63: [2]]) == .init(format: .vhdFixed, subformat: "fixed"))
        #expect(find([0: Array("vhdxfile".utf8)]) == .init(format: .vhdx))
        #expect(find([0: [0x1f, 0x8b, 8]]) == .init(format: .gcp))
        #expect(
            find([0: conectix, 63: [3]]) == .init(format: .vhd, subformat: "dynamic", mistake: cutOff))
        #expect(find([0: kdmv, 10: [1], 56: noDirectory], end: [512: kdmv]) == .init(format: .vmdk))
        #expect(find([0: kdmv, 10: [1], 56: noDirectory]) == .init(format: .vmdk, mistake: cutOff))
        #expect(
            find([0: kdmv, 10: [1], 56: [21]]) == .init(format: .vmdk),
            "a disk with its directory in front has no footer")
        #expect(find([0: kdmv, 56: [21]]) == .init(format: .vmdkSparse), "its grains are not compressed")
        #expect(find([0: kdmv, 56: [21]], length: 1000) == .init(format: .vmdkSparse, mistake: cutOff))
        #expect(find([257: Array("ustar".utf8)]) == .init(format: .ova, subformat: "streamOptimized"))
        #expect(find([510: [0x55, 0xaa]]) == .init(format: .raw))
        #expect(find([510: [0x55, 0xaa]], length: 1000) == .init(format: .raw, mistake: cutOff))
        let gpt: [Int: [UInt8]] = [510: [0x55, 0xaa], 512: Array("EFI PART".utf8), 544: [0xff, 0x07]]
        #expect(find(gpt, length: 2048 * 512) == .init(format: .raw))
        #expect(find(gpt, length: 2047 * 512) == .init(format: .raw, mistake: cutOff))
        #expect(find([:]) == nil)
        #expect(ImageSignature.find(head: [], end: [], length: 0) == nil)
        #expect(ImageSignature.find(head: Array("QF".utf8), end: [], length: 2) == nil)
    }
}

import FoundationEssentials
import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

/// The examiners are QEMU, The Sleuth Kit and libvmdk, which know nothing of this writer.
struct VMDKWriterTests {
    /// A disk and what is written to it.
    struct Disk: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: Int64
        var pieces: [(offset: Int, bytes: [UInt8])] = []
    }

    static let disks: [Disk] = [
        Disk(testDescription: "one sector", bytes: 512, pieces: [(511, [7])]),
        Disk(testDescription: "only a hole", bytes: 100 << 20),
        Disk(
            testDescription: "written zeros", bytes: 3 << 20, pieces: [(1 << 20, [UInt8](repeating: 0, count: 1 << 20))]
        ),
        Disk(
            testDescription: "a hole as large as a grain table", bytes: 70 << 20, pieces: [(0, [1]), (66 << 20, [2])]),
        Disk(
            testDescription: "incompressible, and across two tables", bytes: 40 << 20,
            pieces: [((32 << 20) - 100_000, noise(3 << 20, seed: 1))]),
        Disk(
            testDescription: "ends in the middle of a grain", bytes: (5 << 20) + 3 * 512,
            pieces: [((5 << 20) - 9, Array("the last words of it".utf8))]),
    ]

    @Test(arguments: disks)
    func qemuReadsTheSameDisk(disk: Disk) async throws {
        try await withTemporaryDirectory { directory in try await examine(disk, in: directory) }
    }

    /// Disks of random sizes with random pieces; the seed makes a failure repeatable.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func qemuReadsAnyDisk(seed: UInt64) async throws {
        var random = Generator(state: seed)
        let sectors = Int.random(in: 1...150_000, using: &random)
        var disk = Disk(testDescription: "seed \(seed)", bytes: Int64(sectors * 512))
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let offset = Int.random(in: 0..<sectors * 512, using: &random)
            let length = min(Int.random(in: 1...300_000, using: &random), sectors * 512 - offset)
            let isNoise = Bool.random(using: &random)
            let bytes = isNoise ? Self.noise(length, seed: random.next()) : [UInt8](repeating: 65, count: length)
            disk.pieces.append((offset, bytes))
        }
        try await withTemporaryDirectory { directory in try await examine(disk, in: directory) }
    }

    private func examine(_ disk: Disk, in directory: String) async throws {
        guard canConvert else { return }
        let raw = try make(disk, in: directory)
        let path = "\(directory)/new.vmdk"
        try await VMDKWriter(processors: 3).write(raw, to: path, fileName: "new.vmdk")
        try await runner.run(Command("qemu-img", ["check", "-q", path]))
        try await runner.run(Command("qemu-img", ["compare", "-q", "-f", "raw", "-F", "vmdk", raw.path, path]))
        let info = try await ImageInspector(runner: runner).inspect(path, as: .vmdk)
        #expect(info.virtualBytes == disk.bytes && info.subformat == "streamOptimized")
    }

    @Test func theFileDependsOnTheDiskAndItsNameOnly() async throws {
        try await withTemporaryDirectory { directory in
            let disk = Disk(
                testDescription: "", bytes: 64 << 20, pieces: [(0, Self.noise(9 << 20, seed: 3)), (50 << 20, [1])])
            let raw = try make(disk, in: directory)
            func digest(_ processors: Int, _ file: String) async throws -> String {
                try await VMDKWriter(processors: processors).write(
                    raw, to: "\(directory)/\(file)", fileName: "lab.vmdk")
                return try sha256(of: "\(directory)/\(file)")
            }
            let one = try await digest(1, "one")
            #expect(try await digest(8, "eight") == one)
            let text = String(decoding: try readBytes("\(directory)/one", at: 512, count: 10 << 10), as: UTF8.self)
            #expect(text.contains("RW 131072 SPARSE \"lab.vmdk\"\n") && text.contains("\"lsilogic\""))
            try writeBytes([9], to: raw.path, at: 20 << 20)
            #expect(try await digest(1, "other") != one)
            let other = String(decoding: try readBytes("\(directory)/other", at: 512, count: 10 << 10), as: UTF8.self)
            #expect(other.split(separator: "\n")[2] != text.split(separator: "\n")[2], "another content ID")
        }
    }

    @Test func forensicToolsOpenIt() async throws {
        guard have("mmls", "vmdkinfo", "sfdisk") else { return }
        try await withTemporaryDirectory { directory in
            let raw = try make(Disk(testDescription: "", bytes: 64 << 20), in: directory)
            try await runner.run(
                Command("sh", ["-c", "printf 'label: dos\\n2048,4096,83\\n' | sfdisk -q \"$0\"", raw.path]))
            let path = "\(directory)/lab.vmdk"
            try await VMDKWriter(processors: 2).write(raw, to: path, fileName: "lab.vmdk")
            #expect(try await runner.run(Command("mmls", ["-i", "vmdk", path])).contains("Linux (0x83)"))
            let info = try await runner.run(Command("vmdkinfo", [path]))
            #expect(info.contains("Stream optimized") && info.contains("lab.vmdk"))
        }
    }

    @Test func anExistingFileIsKeptAndCancellingEndsAllThreads() async throws {
        try await withTemporaryDirectory { directory in
            let disk = Disk(testDescription: "", bytes: 64 << 20, pieces: [(0, Self.noise(30 << 20, seed: 5))])
            let raw = try make(disk, in: directory)
            await #expect(throws: FileError.self) {
                try await VMDKWriter(processors: 3).write(raw, to: raw.path, fileName: "exists.vmdk")
            }
            let task = Task {
                try await VMDKWriter(processors: 3).write(raw, to: "\(directory)/x.vmdk", fileName: "x.vmdk")
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func onlyRunsWithDataAreRead() {
        let mib: Int64 = 1 << 20
        #expect(VMDKWriter.runs(of: []) == [])
        #expect(VMDKWriter.runs(of: [0..<1, 10..<20, mib - 1..<mib + 1, 5 * mib..<6 * mib]) == [0, 1, 5])
    }

    private func make(_ disk: Disk, in directory: String) throws -> RawDisk {
        let path = "\(directory)/disk.raw"
        try createSparse(path, bytes: disk.bytes)
        for piece in disk.pieces { try writeBytes(piece.bytes, to: path, at: Int64(piece.offset)) }
        return RawDisk(path: path, virtualBytes: disk.bytes)
    }

    private static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = Generator(state: seed)
        let words = (0..<(count + 7) / 8).map { _ in random.next() }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }

    /// SplitMix64: the same numbers for the same seed.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}

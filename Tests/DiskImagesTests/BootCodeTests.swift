import Sandbox
import Testing

@testable import DiskImages

struct BootCodeTests {
    let partition = try! DiskLayout(sizeMiB: 256).biosBoot

    private func bootImage() -> [UInt8] {
        var image = [UInt8](repeating: 0xaa, count: 512)
        image[0x66] = 0xeb
        image[0x67] = 0x05
        return image
    }

    /// diskboot.img's sector and `rest` more sectors, the last of which is partial.
    private func core(rest: Int, listed: Int? = nil, segment: UInt16 = 0x820) -> [UInt8] {
        var core = [UInt8](repeating: 0x11, count: 512 * rest + 100)
        let length = UInt16(listed ?? rest)
        for (offset, value) in [(0x1fc, length), (0x1fe, segment)] {
            core[offset] = UInt8(value & 255)
            core[offset + 1] = UInt8(value >> 8)
        }
        return core
    }

    @Test func bootSectorKeepsThePartitionTable() throws {
        let table = (0..<512).map { UInt8($0 & 255) }
        let sector = try BootCode.bootSector(bootImage: bootImage(), over: table, coreSector: 0x0102_0304_0506_0708)
        #expect(sector.count == 512)
        #expect(Array(sector[0x1b8...]) == Array(table[0x1b8...]))
        #expect(Array(sector[0x5c..<0x64]) == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(Array(sector[0x66..<0x68]) == [0x90, 0x90])
        let untouched = (0..<0x1b8).filter { !(0x5c..<0x64).contains($0) && !(0x66..<0x68).contains($0) }
        #expect(untouched.allSatisfy { sector[$0] == 0xaa })
    }

    @Test func coreKnowsWhereItsSecondSectorIs() throws {
        let before = core(rest: 300)
        let after = try BootCode.coreImage(before, at: partition)
        #expect(Array(after[0x1f4..<0x1fc]) == [0x01, 0x08, 0, 0, 0, 0, 0, 0], "sector 2049")
        #expect(Array(after[..<0x1f4]) == Array(before[..<0x1f4]))
        #expect(Array(after[0x1fc...]) == Array(before[0x1fc...]))
    }

    @Test func whatIsNotGRUBIsRefused() async {
        let zeros = [UInt8](repeating: 0, count: 512)
        let mistakes: [(String, () throws -> Void)] = [
            (
                "boot.img has 511 bytes",
                { _ = try BootCode.bootSector(bootImage: Array(zeros[1...]), over: zeros, coreSector: 1) }
            ),
            ("boot.img has no jump", { _ = try BootCode.bootSector(bootImage: zeros, over: zeros, coreSector: 1) }),
            ("has only 512 bytes", { _ = try BootCode.coreImage(zeros, at: partition) }),
            ("the BIOS boot partition has 1048576", { _ = try BootCode.coreImage(core(rest: 2048), at: partition) }),
            ("no block list of 300", { _ = try BootCode.coreImage(core(rest: 300, listed: 299), at: partition) }),
            ("no block list", { _ = try BootCode.coreImage(core(rest: 300, segment: 0x800), at: partition) }),
        ]
        for (message, mistake) in mistakes {
            let failure = await failure(of: { try mistake() })
            #expect(failure?.code == .badData)
            #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
        }
    }
}

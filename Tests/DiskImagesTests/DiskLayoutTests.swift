import Sandbox
import Testing

@testable import DiskImages

struct DiskLayoutTests {
    @Test func script() throws {
        #expect(
            try DiskLayout(sizeMiB: 8192).sfdiskScript == """
                label: gpt
                start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=bios
                start=2MiB, size=64MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=ESP
                start=66MiB, size=8125MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root

                """)
    }

    @Test(arguments: [131, 256, 8192, 102_400])
    func partitionsFollowEachOtherAndLeaveRoomForTheBackupTable(size: Int) throws {
        let layout = try DiskLayout(sizeMiB: size)
        let parts = layout.partitions
        for (before, after) in zip(parts, parts.dropFirst()) {
            #expect(before.startMiB + before.sizeMiB == after.startMiB)
        }
        #expect(layout.root.startBytes + layout.root.sizeBytes + (1 << 20) == layout.sizeBytes)
        #expect(layout.root.startSector * 512 == UInt64(layout.root.startBytes))
        #expect(parts.last == layout.root, "the root must be last so that it can grow")
    }

    @Test(arguments: [-1, 0, 130])
    func tooSmall(size: Int) async {
        let failure = await DiskImagesTests.failure(of: { _ = try DiskLayout(sizeMiB: size) })
        #expect(failure?.code == .badData)
        #expect(failure?.message == "a disk of \(size) MiB is too small; the minimum is 131 MiB")
    }
}

import Glibc
import Sandbox
import Testing
import Workbench

@testable import DiskImages

struct FileSystemTests {
    let fileSystem = RootFileSystem(partition: try! DiskLayout(sizeMiB: 8192).root)

    @Test func command() {
        let command = fileSystem.make(from: "/r", on: "/d.raw")
        #expect(
            command.shellLine
                == "E2FSCK_CONFIG=/dev/null LC_ALL=C MKE2FS_CONFIG=/dev/null mke2fs -q -F -t ext4 -L root "
                + "-m 1 -b 4096 -I 256 -i 16384 -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,"
                + "64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum "
                + "-E offset=69206016,root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1,nodiscard -d /r /d.raw 8125M"
        )
        for trap in ["metadata_csum_seed", "orphan_file", "encrypt", "casefold", "inline_data", "ea_inode"] {
            #expect(!command.arguments.joined(separator: " ").contains(trap), "GRUB or the kernel cannot read it")
        }
    }

    @Test func contentThatDoesNotFitIsRefusedWithBothSizes() async {
        let small = RootFileSystem(partition: try! DiskLayout(sizeMiB: 1024).root)
        let bytes = await failure { try small.requireRoom(for: SpaceUsage(bytes: 1 << 30, inodes: 10)) }
        #expect(bytes?.code == .badData)
        #expect(
            bytes?.message
                == "the disk is too small: the files need 1024 MiB, but the root file system holds 900 MiB")
        let inodes = await failure { try small.requireRoom(for: SpaceUsage(bytes: 0, inodes: 100_000)) }
        #expect(inodes?.message == "the disk is too small: there are 100000 files, but it holds 61237")
    }

    @Test("files are counted whose names, or those of their directories, are not UTF-8")
    func bytes() async throws {
        try await withTemporaryDirectory { root in
            let folder = RawPath(root).appending([0xE9])
            let made = folder.withCString { mkdir($0, 0o755) }
            #expect(made == 0)
            for name in [0x61, 0xFF] as [UInt8] {
                let file = folder.appending([name]).withCString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
                try #require(file >= 0)
                let written = write(file, "abc", 3)
                let synced = fsync(file)
                close(file)
                #expect(written == 3 && synced == 0)
            }
            let usage = try SpaceUsage(measuring: root)
            #expect(usage.inodes == 4 && usage.bytes == 4 * SpaceUsage.blockSize)
        }
    }

    private func failure(_ body: () throws -> Void) async -> Failure? { await DiskImagesTests.failure(of: body) }
}

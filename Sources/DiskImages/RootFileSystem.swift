import Sandbox
import Workbench

/// The ext4 file system of an image: made from a directory without mounting, the same on every host.
package struct RootFileSystem: Sendable, Equatable {
    package var label: String
    package var partition: DiskLayout.Partition

    package init(label: String = "root", partition: DiskLayout.Partition) {
        self.label = label
        self.partition = partition
    }

    /// Named one by one because mke2fs's own defaults grow with its version: GRUB 2.06 cannot read a file system
    /// with `metadata_csum_seed`, and kernels before 5.15 do not mount one with `orphan_file`.
    /// `resize_inode` lets the mounted file system grow.
    static let features = [
        "has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent", "64bit", "flex_bg",
        "sparse_super", "large_file", "huge_file", "dir_nlink", "extra_isize", "metadata_csum",
    ]
    static let bytesPerInode: Int64 = 16384
    static let inodeSize: Int64 = 256

    /// Makes the file system inside the partition and copies the directory into it, with owners, modes, extended
    /// attributes, device nodes and hard links.
    package func make(from root: String, on disk: String) -> Command {
        let options = [
            "offset=\(partition.startBytes)", "root_owner=0:0", "lazy_itable_init=1", "lazy_journal_init=1",
            "nodiscard",
        ]
        return Command(
            "mke2fs",
            [
                "-q", "-F", "-t", "ext4", "-L", label, "-m", "1", "-b", "\(RootContent.blockSize)",
                "-I", "\(Self.inodeSize)", "-i", "\(Self.bytesPerInode)",
                "-O", (["none"] + Self.features).joined(separator: ","),
                "-E", options.joined(separator: ","), "-d", root, disk, "\(partition.sizeMiB)M",
            ], environment: Self.environment)
    }

    /// Looks for mistakes and repairs nothing; any makes it fail.
    package func check(on disk: String) -> Command {
        Command(
            "e2fsck", ["-n", "-f", "\(disk)?offset=\(partition.startBytes)"], environment: Self.environment)
    }

    /// What files can take: the partition without inode tables, journal, reserved blocks and block group tables.
    package var capacity: RootContent {
        let size = partition.sizeBytes
        let inodes = size / Self.bytesPerInode
        let overhead = inodes * Self.inodeSize + Self.journalBytes(of: size) + size / 100 + size / 64 + (1 << 20)
        return RootContent(bytes: max(0, size - overhead), inodes: max(0, inodes - 11))
    }

    /// - Throws: `Failure` with code `.badData` and both sizes where the content does not fit.
    package func requireRoom(for content: RootContent) throws {
        let capacity = capacity
        if content.bytes > capacity.bytes {
            throw Failure(
                .badData,
                "the disk is too small: the files take \(mebibytes(content.bytes)) MiB and its root file system holds "
                    + "\(capacity.bytes >> 20) MiB",
                advice: "set a larger disk size in sandbox.yaml")
        }
        if content.inodes > capacity.inodes {
            throw Failure(
                .badData, "the disk is too small: there are \(content.inodes) files and it holds \(capacity.inodes)",
                advice: "set a larger disk size in sandbox.yaml")
        }
    }

    /// As `ext2fs_default_journal_size` of e2fsprogs chooses it, in blocks of 4 KiB.
    private static func journalBytes(of size: Int64) -> Int64 {
        let blocks = size / RootContent.blockSize
        let journal: Int64 =
            switch blocks {
            case ..<32768: 1024
            case ..<(256 * 1024): 4096
            case ..<(512 * 1024): 8192
            case ..<(4096 * 1024): 16384
            case ..<(8192 * 1024): 32768
            case ..<(16384 * 1024): 65536
            case ..<(32768 * 1024): 131072
            default: 262144
            }
        return journal * RootContent.blockSize
    }

    /// Messages in English, no configuration of the host's, and no question asked.
    private static let environment: [String: String?] = [
        "LC_ALL": "C", "MKE2FS_CONFIG": "/dev/null", "E2FSCK_CONFIG": "/dev/null",
    ]
}

func mebibytes(_ bytes: Int64) -> Int64 { (bytes + (1 << 20) - 1) >> 20 }

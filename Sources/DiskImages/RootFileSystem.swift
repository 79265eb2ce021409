import Glibc
import Sandbox
import Workbench

/// The ext4 file system of an image, created from a directory without mounting and with the same features on every
/// host.
package struct RootFileSystem: Sendable, Equatable {
    package var label: String
    package var partition: DiskLayout.Partition

    package init(label: String = "root", partition: DiskLayout.Partition) {
        self.label = label
        self.partition = partition
    }

    /// Features of the file system. They are listed explicitly, because newer versions of mke2fs enable more by
    /// default: GRUB 2.06 cannot read a file system with `metadata_csum_seed`, and kernels before 5.15 cannot mount one
    /// with `orphan_file`. `resize_inode` lets the mounted file system grow.
    static let features = [
        "has_journal", "ext_attr", "resize_inode", "dir_index", "filetype", "extent", "64bit", "flex_bg",
        "sparse_super", "large_file", "huge_file", "dir_nlink", "extra_isize", "metadata_csum",
    ]
    static let bytesPerInode: Int64 = 16384
    static let inodeSize: Int64 = 256

    /// Creates the file system in the partition and copies the directory into it, with owners, modes, extended
    /// attributes, device nodes and hard links.
    package func make(from root: String, on disk: String) -> Command {
        let options = [
            "offset=\(partition.startBytes)", "root_owner=0:0", "lazy_itable_init=1", "lazy_journal_init=1",
            "nodiscard",
        ]
        return Command(
            "mke2fs",
            [
                "-q", "-F", "-t", "ext4", "-L", label, "-m", "1", "-b", "\(SpaceUsage.blockSize)",
                "-I", "\(Self.inodeSize)", "-i", "\(Self.bytesPerInode)",
                "-O", (["none"] + Self.features).joined(separator: ","),
                "-E", options.joined(separator: ","), "-d", root, disk, "\(partition.sizeMiB)M",
            ], environment: Self.environment)
    }

    /// Checks the file system without repairing it; any error makes the command fail. It runs in the disk's directory,
    /// because e2fsck takes the first `?` in a path as the start of its options.
    package func check(on disk: String) -> Command {
        Command(
            "e2fsck", ["-n", "-f", "\(baseName(disk))?offset=\(partition.startBytes)"], environment: Self.environment,
            workingDirectory: parentDirectory(disk))
    }

    /// Space available to files: the partition without inode tables, journal, reserved blocks and block group tables.
    package var capacity: SpaceUsage {
        let size = partition.sizeBytes
        let inodes = size / Self.bytesPerInode
        let overhead = inodes * Self.inodeSize + Self.journalBytes(of: size) + size / 100 + size / 64 + (1 << 20)
        return SpaceUsage(bytes: max(0, size - overhead), inodes: max(0, inodes - 11))
    }

    /// Checks that the content fits.
    /// - Throws: `Failure` with code `.badData` and both sizes if it does not.
    package func requireRoom(for content: SpaceUsage) throws {
        let capacity = capacity
        if content.bytes > capacity.bytes {
            throw Failure(
                .badData,
                "the disk is too small: the files need \(mebibytes(content.bytes)) MiB, but the root file system "
                    + "holds \(capacity.bytes >> 20) MiB",
                advice: "set a larger disk size in sandbox.yaml")
        }
        if content.inodes > capacity.inodes {
            throw Failure(
                .badData, "the disk is too small: there are \(content.inodes) files, but it holds \(capacity.inodes)",
                advice: "set a larger disk size in sandbox.yaml")
        }
    }

    /// Size of the journal as chosen by `ext2fs_default_journal_size` of e2fsprogs, which counts in 4 KiB blocks.
    private static func journalBytes(of size: Int64) -> Int64 {
        let blocks = size / SpaceUsage.blockSize
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
        return journal * SpaceUsage.blockSize
    }

    /// Environment for English messages and without the host's configuration files.
    private static let environment: [String: String?] = [
        "LC_ALL": "C", "MKE2FS_CONFIG": "/dev/null", "E2FSCK_CONFIG": "/dev/null",
    ]
}

func mebibytes(_ bytes: Int64) -> Int64 { (bytes + (1 << 20) - 1) >> 20 }

/// The space that a directory tree needs in a file system, or that a file system provides.
package struct SpaceUsage: Sendable, Equatable {
    /// Bytes in blocks of files, directories and long symbolic links; hard links count once, and holes are not counted.
    package var bytes: Int64 = 0
    package var inodes: Int64 = 0

    static let blockSize: Int64 = 4096

    package init(bytes: Int64 = 0, inodes: Int64 = 0) {
        self.bytes = bytes
        self.inodes = inodes
    }

    /// Measures a directory tree without following symbolic links out of it.
    package init(measuring root: String) throws {
        var seen = Set<FileIdentity>()
        var status = stat()
        guard stat(root, &status) == 0 else { throw FileError("read", root) }
        add(status, &seen)
        var directories = [RawPath(root)]
        while let directory = directories.popLast() {
            try Task.checkCancellation()
            for name in try directory.names() {
                let path = directory.appending(name)
                let status = try path.status()
                add(status, &seen)
                if status.st_mode & S_IFMT == S_IFDIR { directories.append(path) }
            }
        }
    }

    private mutating func add(_ status: stat, _ seen: inout Set<FileIdentity>) {
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if !isDirectory, status.st_nlink > 1 {
            guard seen.insert(FileIdentity(device: status.st_dev, inode: status.st_ino)).inserted else { return }
        }
        inodes += 1
        switch status.st_mode & S_IFMT {
        case S_IFREG: bytes += min(Self.blocks(Int64(status.st_size)), Self.blocks(Int64(status.st_blocks) * 512))
        // At least one block, because directory sizes of overlay and tmpfs differ from those of ext4.
        case S_IFDIR: bytes += max(Self.blockSize, Self.blocks(Int64(status.st_size)))
        // Up to 59 bytes are stored in the inode.
        case S_IFLNK: bytes += status.st_size > 59 ? Self.blockSize : 0
        default: break
        }
    }

    private static func blocks(_ bytes: Int64) -> Int64 {
        (bytes + blockSize - 1) / blockSize * blockSize
    }

    private struct FileIdentity: Hashable {
        var device: dev_t
        var inode: ino_t
    }
}

/// A QEMU block device described by `--image-opts` options: driver, file, and the relevant part of the file.
///
/// The driver is always set explicitly: with probing, a raw disk whose content looks like another format would be
/// opened in that format.
package struct QemuBlockNode: Sendable, Equatable {
    package struct Option: Sendable, Equatable {
        package var key: String
        package var value: String
    }

    package var list: [Option]

    package init(driver: String, path: String) {
        list = [
            Option(key: "driver", value: driver), Option(key: "file.driver", value: "file"),
            Option(key: "file.filename", value: path),
        ]
    }

    /// The node of an image; the disk inside an OVA is opened in place, without unpacking the archive.
    /// - Throws: `Failure` if the image is compressed as a whole, so that its disk has to be unpacked first.
    package init(path: String, format: ImageFormat) throws {
        guard format != .gcp else {
            throw Failure(
                .badData, "\(path) is a compressed archive, and QEMU cannot read the disk inside",
                advice: DiskArchive(path: path).advice)
        }
        guard format == .ova else {
            self.init(driver: Conversion.driver(of: format), path: path)
            return
        }
        let disk = try ApplianceArchive(path: path).disk
        self.init(options: [
            Option(key: "driver", value: "vmdk"), Option(key: "file.driver", value: "raw"),
            Option(key: "file.offset", value: "\(disk.offset)"), Option(key: "file.size", value: "\(disk.length)"),
            Option(key: "file.file.driver", value: "file"), Option(key: "file.file.filename", value: path),
        ])
    }

    private init(options: [Option]) {
        list = options
    }

    /// The options in QEMU's syntax, with commas in values doubled.
    package var options: String {
        list.map { "\($0.key)=\(Self.escaped($0.value))" }.joined(separator: ",")
    }

    /// The node for a part of the disk as seen by the machine.
    package func window(offset: Int64, length: Int64) -> QemuBlockNode {
        var node = self
        node.list =
            [
                Option(key: "driver", value: "raw"), Option(key: "offset", value: "\(offset)"),
                Option(key: "size", value: "\(length)"),
            ] + list.map { Option(key: "file.\($0.key)", value: $0.value) }
        return node
    }

    static func escaped(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }

    /// The reverse of `options`.
    static func values(in options: String) -> [String: String] {
        // A character that no path contains stands for a comma in a value.
        let pairs = options.replacing(",,", with: "\0").split(separator: ",").map { $0.replacing("\0", with: ",") }
        return pairs.reduce(into: [:]) { values, pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
    }
}

import Glibc
import Sandbox
import Workbench

/// What a directory tree will take as a file system, and what a file system of a given size can hold.
package struct RootContent: Sendable, Equatable {
    /// Bytes in blocks of files, directories and long symbolic links; hard links count once, holes do not.
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
        var directories = [root]
        while let directory = directories.popLast() {
            try Task.checkCancellation()
            try addEntries(of: directory, &directories, &seen)
        }
    }

    /// Adds what lies in a directory, and the directories in it to those that are still to be visited.
    private mutating func addEntries(
        of directory: String, _ directories: inout [String], _ seen: inout Set<FileIdentity>
    ) throws {
        guard let stream = opendir(directory) else { throw FileError("read", directory) }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw FileError("read", "\(directory)/\(name)")
            }
            add(status, &seen)
            if status.st_mode & S_IFMT == S_IFDIR { directories.append("\(directory)/\(name)") }
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
        // At least one block; overlay and tmpfs give directories other sizes than ext4 will.
        case S_IFDIR: bytes += max(Self.blockSize, Self.blocks(Int64(status.st_size)))
        // Up to 59 bytes stand in the inode.
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

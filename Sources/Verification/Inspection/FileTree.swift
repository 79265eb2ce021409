import Glibc
import Workbench

/// The files of a system that does not run, as an inspection reads them.
package protocol FileTree: Sendable {
    /// All entries below the root, each directory before its content.
    func entries() throws -> [FileEntry]

    /// The content of a file.
    func text(_ path: String) throws -> String

    /// The digest of a file, in hexadecimal digits.
    func digest(_ path: String, _ algorithm: FileDigest.Algorithm) throws -> String
}

/// A path in a system and what is there.
package struct FileEntry: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case file
        case directory
        case link(to: String)
        /// A device, socket or pipe.
        case special
    }

    /// Absolute path in the system; bytes that are not UTF-8 are as `RawPath` shows them.
    package var path: String
    package var kind: Kind
    package var bytes: Int64
    /// Whether the file runs with the rights of its owner or group, whoever starts it.
    package var isSetID: Bool

    package init(_ path: String, _ kind: Kind, bytes: Int64 = 0, isSetID: Bool = false) {
        self.path = path
        self.kind = kind
        self.bytes = bytes
        self.isSetID = isSetID
    }
}

/// The digest of a file that a database of the system recorded.
package struct FileDigest: Sendable, Hashable {
    package enum Algorithm: Sendable { case md5, sha256 }

    package var algorithm: Algorithm
    /// Hexadecimal digits.
    package var value: String
}

/// A root file system in a directory. Symbolic links are never followed, because they would lead out of it.
package struct DirectoryTree: FileTree {
    private let root: String

    /// - Parameter root: Path without a slash at its end.
    package init(_ root: String) {
        self.root = root
    }

    package func entries() throws -> [FileEntry] {
        var entries: [FileEntry] = []
        try addEntries(of: RawPath(root), "", to: &entries)
        return entries
    }

    private func addEntries(of directory: RawPath, _ shown: String, to entries: inout [FileEntry]) throws {
        try Task.checkCancellation()
        for name in try directory.names() {
            let (entry, path) = (directory.appending(name), "\(shown)/\(RawPath.shown(name))")
            let status = try entry.status()
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                entries.append(FileEntry(path, .directory))
                try addEntries(of: entry, path, to: &entries)
            case S_IFLNK: entries.append(FileEntry(path, .link(to: RawPath.shown(entry.linkTarget ?? []))))
            case S_IFREG:
                let isSetID = status.st_mode & (S_ISUID | S_ISGID) != 0
                entries.append(FileEntry(path, .file, bytes: Int64(status.st_size), isSetID: isSetID))
            default: entries.append(FileEntry(path, .special))
            }
        }
    }

    package func text(_ path: String) throws -> String { try readText(root + path) }

    package func digest(_ path: String, _ algorithm: FileDigest.Algorithm) throws -> String {
        switch algorithm {
        case .md5: try md5(of: root + path)
        case .sha256: try sha256(of: root + path)
        }
    }
}

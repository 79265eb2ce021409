import Glibc
import Workbench

/// A folder with a file of somebody's, to be mounted where a sandbox keeps its notebooks.
struct Volume: Sendable {
    static let file = "mine.ipynb"
    private static let content = "somebody's own\n"

    let path: String
    private let before: FileState

    /// Belongs to the first user of a machine, as most people's folders do.
    init(in directory: String) throws {
        path = "\(directory)/notebooks"
        try makeDirectory(path)
        // The container's user must get through to it.
        guard chmod(directory, 0o711) == 0 else { throw FileError("set the mode of", directory) }
        let file = "\(path)/\(Self.file)"
        try writeAtomically(Self.content, to: file, mode: 0o640)
        for name in [path, file] where chown(name, 1000, 1000) != 0 { throw FileError("set the owner of", name) }
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
        utimensat(AT_FDCWD, file, &times, 0)
        before = FileState(file)
    }

    var isUntouched: Bool {
        let file = "\(path)/\(Self.file)"
        return FileState(file) == before && (try? readText(file)) == Self.content
    }
}

/// What `ls -l` shows of a file.
struct FileState: Sendable, Equatable {
    private let mode: UInt32
    private let user: UInt32
    private let group: UInt32
    private let modified: Int

    init(_ path: String) {
        var status = stat()
        stat(path, &status)
        mode = status.st_mode
        user = status.st_uid
        group = status.st_gid
        modified = status.st_mode & S_IFMT == S_IFREG ? status.st_mtim.tv_sec : 0
    }
}

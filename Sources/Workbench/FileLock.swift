import Glibc

/// A lock file that the kernel unlocks when its holder dies, for whatever reason.
///
/// The file contains a description of the holder. Only its owner can open it, because whoever can open it can lock it
/// and make every build wait. It is not removed with the lock, because two processes could then
/// lock two different files of the same name.
package struct FileLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// - Throws: `LockHeld` with the holder's description if another process holds the lock.
    package init(_ path: String, holder: String) throws {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0, fchmod(file, 0o600) == 0 else { throw FileError("open lock file", path) }
        var wholeFile = flock.whole(F_WRLCK)
        guard fcntl(file, setFileLock, &wholeFile) == 0 else {
            let code = errno
            defer { close(file) }
            guard code == EAGAIN || code == EACCES else { throw FileError("lock", path, code: code) }
            throw LockHeld(holder: (try? readText(path))?.trimmedLine ?? "")
        }
        ftruncate(file, 0)
        _ = holder.withCString { write(file, $0, holder.utf8.count) }
        descriptor = file
    }

    /// Whether a process holds the lock. The query never takes the lock, so it cannot make a concurrent `init` fail.
    package static func isHeld(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return errno == EACCES && kernelListsLock(on: path) }
        defer { close(file) }
        var wholeFile = flock.whole(F_WRLCK)
        return fcntl(file, getFileLock, &wholeFile) == 0 && wholeFile.l_type != F_UNLCK
    }

    deinit {
        // Explicit, because close(2) is not enough: a child that another task is just starting has a copy of the
        // descriptor until it calls exec.
        var wholeFile = flock.whole(F_UNLCK)
        _ = fcntl(descriptor, setFileLock, &wholeFile)
        close(descriptor)
    }
}

/// Whether the kernel's list of locks contains one on a file, whose contents need not be readable. Another file with the
/// same inode number on another file system counts, too.
package func kernelListsLock(on path: String, in list: String = "/proc/locks") -> Bool {
    var status = stat()
    guard stat(path, &status) == 0, let text = try? readText(list) else { return false }
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; a process that waits has `->` in the second field.
    return text.split(separator: "\n").contains { line in
        line.split(separator: " ").contains { $0.hasSuffix(":\(status.st_ino)") && $0.count { $0 == ":" } == 2 }
    }
}

// Locks that belong to the open file and not to the process: fcntl(2), "Open file description locks".
/// F_OFD_GETLK
private let getFileLock: Int32 = 36
/// F_OFD_SETLK
private let setFileLock: Int32 = 37

extension flock {
    fileprivate static func whole(_ type: Int32) -> flock {
        flock(l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }
}

package struct LockHeld: Error, Sendable, Equatable {
    package var holder: String
}

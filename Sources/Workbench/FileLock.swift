import Glibc

/// A lock that the kernel gives back when its holder dies, however it dies.
///
/// The file tells who holds it; it stays when the lock is released, because removing it would let two
/// processes lock two files of one name.
package struct FileLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// - Throws: `LockHeld` with the holder's own words where another process has it.
    package init(_ path: String, holder: String) throws {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FileError("open the lock", path) }
        var wholeFile = flock.whole(F_WRLCK)
        guard fcntl(file, lockAtOnce, &wholeFile) == 0 else {
            let code = errno
            defer { close(file) }
            guard code == EAGAIN || code == EACCES else { throw FileError("lock", path, code: code) }
            throw LockHeld(holder: (try? readText(path))?.trimmedLine ?? "")
        }
        ftruncate(file, 0)
        _ = holder.withCString { write(file, $0, holder.utf8.count) }
        descriptor = file
    }

    /// Whether some process holds the lock now; asks without ever taking it, so that no other `init` fails meanwhile.
    package static func isHeld(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var wholeFile = flock.whole(F_WRLCK)
        return fcntl(file, askWhoLocks, &wholeFile) == 0 && wholeFile.l_type != F_UNLCK
    }

    deinit {
        // Not left to close(2): a child that another task is just starting has a copy of the descriptor until it runs.
        var wholeFile = flock.whole(F_UNLCK)
        _ = fcntl(descriptor, lockAtOnce, &wholeFile)
        close(descriptor)
    }
}

// Locks of the open file, not of the process: fcntl(2), "Open file description locks".
/// F_OFD_GETLK
private let askWhoLocks: Int32 = 36
/// F_OFD_SETLK
private let lockAtOnce: Int32 = 37

extension flock {
    fileprivate static func whole(_ type: Int32) -> flock {
        flock(l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }
}

package struct LockHeld: Error, Sendable, Equatable {
    package var holder: String
}

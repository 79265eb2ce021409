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
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let held = LockHeld(holder: (try? readText(path))?.trimmedLine ?? "")
            close(file)
            throw held
        }
        ftruncate(file, 0)
        _ = holder.withCString { write(file, $0, holder.utf8.count) }
        descriptor = file
    }

    /// Whether some process holds the lock now.
    package static func isHeld(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    deinit {
        // Not close alone: a child that was forked just now and has not executed yet would go on holding the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

package struct LockHeld: Error, Sendable, Equatable {
    package var holder: String
}

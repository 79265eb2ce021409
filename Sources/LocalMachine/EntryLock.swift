import Glibc
import Sandbox
import Workbench

/// A lock on a name in the cache: many may use an entry, one alone may make or remove it.
/// The kernel gives it back when its holder dies.
final class EntryLock: Sendable {
    enum Mode: Sendable { case shared, exclusive }

    private let descriptor: Int32
    let path: String

    private init(_ path: String) throws {
        try makeDirectory(parentDirectory(path))
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError("open the lock", path) }
        self.path = path
    }

    /// - Returns: `nil` where others hold it.
    static func attempt(_ path: String, _ mode: Mode, holder: String) throws -> EntryLock? {
        let lock = try EntryLock(path)
        return lock.acquire(mode, holder: holder) ? lock : nil
    }

    /// Who had it alone last, in its own words.
    static func holder(_ path: String) -> String { (try? readText(path))?.trimmedLine ?? "" }

    /// Whether anybody holds it; asked without root's right to write.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return true }
        flock(descriptor, LOCK_UN)
        return false
    }

    /// Waits until nobody has it alone.
    /// - Parameter onWait: told once who has it.
    static func waitShared(
        _ path: String, holder: String, onWait: (String) -> Void
    ) async throws -> EntryLock {
        let lock = try EntryLock(path)
        var told = false
        while !lock.acquire(.shared, holder: holder) {
            if !told { onWait(self.holder(path)) }
            told = true
            try await Task.sleep(for: .milliseconds(100))
        }
        return lock
    }

    /// Lets others use the entry too; they may look at it before this returns, but not remove it after.
    func share() {
        flock(descriptor, LOCK_SH)
    }

    private func acquire(_ mode: Mode, holder: String) -> Bool {
        guard flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else { return false }
        if mode == .exclusive {
            ftruncate(descriptor, 0)
            _ = holder.withCString { pwrite(descriptor, $0, holder.utf8.count, 0) }
        }
        return true
    }

    deinit {
        // Not close alone: a child that was forked just now and has not executed yet would go on holding the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

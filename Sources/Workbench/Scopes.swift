import FoundationEssentials
import Glibc

/// Runs `body` and then `cleanup`, even if `body` throws. The clean-up runs in a separate task, so that it completes
/// even if the current task is cancelled.
package func finally<Result>(
    _ body: () async throws -> Result, cleanup: @escaping @Sendable () async -> Void
) async rethrows -> Result {
    do {
        let result = try await body()
        await Task { await cleanup() }.value
        return result
    } catch {
        await Task { await cleanup() }.value
        throw error
    }
}

/// Creates a temporary directory, accessible only to its owner, and removes it after `body`.
package func withTemporaryDirectory<Result>(
    in parent: String = "/tmp", _ body: (String) async throws -> Result
) async throws -> Result {
    let path = try makeTemporaryDirectory(in: parent)
    return try await finally {
        try await body(path)
    } cleanup: {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// Calls `body` with the path of an unlinked file, for a secret that a child process reads. Only this user can open the
/// file, and it disappears with this process, however that ends.
package func withNamelessFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/dss.XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw FileError("create a file in", "/tmp") }
    defer { close(file) }
    unlink(template)
    guard fcntl(file, F_SETFD, FD_CLOEXEC) == 0 else { throw FileError("write", "a file in /tmp") }
    try writeAll(Array(text.utf8), to: file, "a file in /tmp")
    return try await body("/proc/\(getpid())/fd/\(file)")
}

/// A script that other processes of this user can run while this value exists. It is in no directory, because those for
/// temporary files may be mounted with noexec.
package final class ProgramInMemory: Sendable {
    private let file: Int32
    package var path: String { "/proc/\(getpid())/fd/\(file)" }

    package init(_ script: String) throws {
        let name = "a program in memory"
        // The module Glibc lacks memfd_create(2): close on exec is 1, and MFD_EXEC is 16, which kernels before 6.3
        // neither know nor need.
        let create = unsafeBitCast(
            dlsym(nil, "memfd_create"), to: (@convention(c) (UnsafePointer<CChar>, CUnsignedInt) -> CInt).self)
        guard let file = [17, 1].lazy.map({ create("dss", $0) }).first(where: { $0 >= 0 }) else {
            throw FileError("create", name)
        }
        self.file = file
        try writeAll(Array(script.utf8), to: file, name)
        guard fchmod(file, 0o700) == 0 else { throw FileError("set the mode of", name) }
    }

    deinit { close(file) }
}

/// Cancels `body` if it takes longer than `limit`.
/// - Throws: `TimedOut` in that case.
package func withTimeout<Result: Sendable>(
    _ limit: Duration, _ activity: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw TimedOut(activity: activity, limit: limit)
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}

/// An activity exceeded its time limit.
package struct TimedOut: Error, Sendable, CustomStringConvertible {
    package var activity: String
    package var limit: Duration
    package var description: String { "\(activity) timed out after \(limit)" }
}

import FoundationEssentials
import Glibc

/// Runs `body`, then `cleanup`, whatever happened; the clean-up runs in a task of its own,
/// so that a cancelled task still finishes it.
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

/// Gives `body` a new directory, readable by its owner only, that is removed afterwards.
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

/// Gives `body` the path of a file without a name, for a secret that a child reads: only this user can open it, and it is
/// gone with this process, however that ends.
package func withNamelessFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/dss.XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw FileError("make a file in", "/tmp") }
    defer { close(file) }
    unlink(template)
    guard fcntl(file, F_SETFD, FD_CLOEXEC) == 0 else { throw FileError("write", "a file in /tmp") }
    try writeAll(Array(text.utf8), to: file, "a file in /tmp")
    return try await body("/proc/\(getpid())/fd/\(file)")
}

/// Ends `body` by cancellation when it takes longer than `limit`.
/// - Throws: `TimedOut` then.
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

/// Something took longer than it may.
package struct TimedOut: Error, Sendable, CustomStringConvertible {
    package var activity: String
    package var limit: Duration
    package var description: String { "\(activity) took longer than \(limit)" }
}

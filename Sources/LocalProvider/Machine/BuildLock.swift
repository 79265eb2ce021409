import FoundationEssentials
import Sandbox
import Workbench

/// The locks of a build: one in its state folder and one in the cache, next to its workspace.
///
/// Several state folders can share a cache, and a state folder can be deleted under a running build. Whoever finds the
/// workspace of a build must therefore see there that the build is alive.
struct BuildLock: ~Copyable, Sendable {
    private let own: FileLock?
    private let shared: FileLock?

    /// A lock whose directory does not exist is left out: no build can hold it.
    /// - Throws: `LockHeld` with the holder's description if another process holds one of the locks.
    init(_ parts: BuildResources, holder: String) throws {
        let own = try Self.take(parts.lock, holder)
        let shared = try Self.take(parts.sharedLock, holder)
        self.own = own
        self.shared = shared
    }

    private static func take(_ path: String, _ holder: String) throws -> FileLock? {
        fileExists(parentDirectory(path)) ? try FileLock(path, holder: holder) : nil
    }
}

extension BuildResources {
    var lock: String { "\(directory).lock" }

    /// The lock of the build that a process holds; `nil` if none is held, so that the build does not run.
    var heldLock: String? { [lock, sharedLock].first(where: FileLock.isHeld) }

    /// The file in the workspace that contains the path of the build directory.
    private static func pointer(_ workspace: String) -> String { "\(workspace)/.build-directory" }

    /// Creates the workspace, from which a program with another state folder finds the build directory.
    func createWorkspace() throws {
        try makeDirectory(workspace, mode: 0o700)
        try writeAtomically("\(directory)\n", to: Self.pointer(workspace), mode: 0o600)
    }

    /// The build directory that a workspace belongs to; `nil` if it is unknown, as in one of an older version.
    static func directory(ofWorkspace workspace: String, name: String) -> String? {
        guard let path = (try? readText(pointer(workspace)))?.trimmedLine, path.hasPrefix("/"), baseName(path) == name
        else { return nil }
        return path
    }
}

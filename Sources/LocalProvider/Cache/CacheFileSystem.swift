import Glibc
import Sandbox
import Workbench

/// Not every file system can hold the trees of a build: the root of a container is often an overlay, and a file system
/// for documents has no owners or device files.
extension LocalMachineFactory {
    /// Tries what a build does on the cache's file system, before it spends minutes there.
    /// - Throws: `Failure(.unavailable)` that names the file system and the option for another one.
    func requireFileSystem(for build: Build) async throws {
        let probe = "\(build.workspace)/probe"
        guard let obstacle = try await obstacle(in: probe) else {
            try await runner.run(.removeTree(probe))
            return
        }
        throw cache.unsuitable(obstacle)
    }

    /// - Returns: what the file system cannot do; `nil` if it can do everything.
    private func obstacle(in directory: String) async throws -> ContentCache.Obstacle? {
        let (tree, root, changes) = ("\(directory)/tree", "\(directory)/root", "\(directory)/changes")
        for path in ["\(tree)/folder", root, changes, "\(changes).work"] { try makeDirectory(path) }
        try writeAtomically("", to: "\(tree)/file")
        if isNoExec(tree) { return .init("programs cannot be run there (noexec)") }
        guard hasOwnersAndModes("\(tree)/file") else { return .init("files have no owners and modes there") }
        guard mknod("\(tree)/null", S_IFCHR | 0o666, 0x103) == 0 else {
            return .init("device files cannot be created there", .privilege)
        }
        let overlay = Overlay(lower: [tree], upper: (changes: changes, work: "\(changes).work"), target: root)
        let output = try await runner.execute(overlay.mount)
        guard output.status.isSuccess else {
            let lines = output.standardError.split(whereSeparator: \.isNewline).map(String.init)
            return .init("no overlay can be mounted on it", .privilege, details: lines)
        }
        // A file that is removed leaves a mark in the upper directory, and a directory that is replaced an attribute.
        let canHide =
            unlink("\(root)/file") == 0 && rmdir("\(root)/folder") == 0 && mkdir("\(root)/folder", 0o755) == 0
        try await runner.run(Command("umount", [root]))
        return canHide ? nil : .init("files of a lower layer cannot be removed from an overlay on it")
    }

    private func hasOwnersAndModes(_ path: String) -> Bool {
        var status = stat()
        return chown(path, 1, 1) == 0 && chmod(path, 0o4755) == 0 && stat(path, &status) == 0
            && status.st_uid == 1 && status.st_mode & 0o7777 == 0o4755
    }
}

extension ContentCache {
    /// Something that a build needs and the cache's file system cannot do.
    struct Obstacle: Sendable, Equatable {
        var reason: String
        /// Whether a lack of privileges may be the cause, in a container or on a suitable file system.
        var mayBePrivilege: Bool
        var details: [String]

        enum Cause { case fileSystem, privilege }

        init(_ reason: String, _ cause: Cause = .fileSystem, details: [String] = []) {
            self.reason = reason
            mayBePrivilege = cause == .privilege
            self.details = details
        }
    }

    /// File systems that are known to hold trees; on these, a refused operation is a matter of privileges.
    private static let suitable = ["ext4", "xfs", "btrfs", "tmpfs"]

    func unsuitable(_ obstacle: Obstacle, mounts: MountTable = .current) -> Failure {
        let type = mounts.type(of: directory) ?? "unknown"
        let isPrivilege = obstacle.mayBePrivilege && Self.suitable.contains(type)
        return Failure(
            .unavailable, "the cache directory \(directory) cannot be used for builds: \(obstacle.reason)",
            details: ["its file system is \(type)"] + obstacle.details,
            advice: isPrivilege
                ? "a build mounts file systems and creates device files; a container needs to be privileged"
                : "name a directory on another file system (\(Self.suitable.joined(separator: ", "))) with --cache or "
                    + "DSS_CACHE; in a container, use a volume or mount a tmpfs")
    }
}

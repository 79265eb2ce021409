import FoundationEssentials
import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Everything that builds have here now: in use, or orphaned where the build is gone.
    package func leftovers() async throws -> [Asset] {
        var assets: [Asset] = []
        for name in buildNames() {
            let parts = BuildParts(name: name, in: self)
            let state: Asset.State = FileLock.isHeld(lockPath(name)) ? .inUse : .orphaned
            assets += try await find(parts, assetID: assetID(of: parts), state: state)
        }
        return assets
    }

    /// Removes what a dead build of this asset id left; nothing to remove is fine.
    /// - Returns: what was removed.
    /// - Throws: `Failure(.temporary)` where the build still runs.
    @discardableResult
    package func removeLeftovers(of assetID: String) async throws -> [Asset] {
        var removed: [Asset] = []
        let derived = machineName(assetID, stateDirectory: stateDirectory)
        let names = Set(buildNames().filter { self.assetID(of: BuildParts(name: $0, in: self)) == assetID } + [derived])
        try makeDirectory(buildsDirectory)
        for name in names.sorted() {
            let parts = BuildParts(name: name, in: self)
            let lock: FileLock
            do { lock = try FileLock(lockPath(name), holder: "\(assetID) (removing what it left)") } catch let held
                as LockHeld
            {
                throw Failure(.temporary, "a build of asset id \(held.holder) still runs", advice: "end it first")
            }
            removed += try await find(parts, assetID: assetID, state: .orphaned)
            try await dismantle(parts)
            withExtendedLifetime(lock) {}
        }
        return removed
    }

    /// All names under which something of a build may be: directories here, trees in the cache, and what the system shows.
    private func buildNames() -> [String] {
        let contents = { (path: String) in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
        let directories = contents(buildsDirectory).compactMap { name -> String? in
            if name.hasSuffix(".lock") { return String(name.dropLast(5)) }
            return name.hasPrefix(".") ? nil : name
        }
        return Set(directories + contents("\(cache.directory)/work")).sorted()
    }

    /// The asset id as the build recorded it, else the name of the directory.
    private func assetID(of parts: BuildParts) -> String {
        (BuildRecord.read(parts.directory) ?? BuildRecord.read(parts.unfinished))?.assetID ?? parts.name
    }
}

/// The mounts of this process, in the order in which they were made.
struct MountTable: Sendable, Equatable {
    var targets: [String]

    /// - Parameter text: as in `/proc/self/mounts`; blanks in paths stand there as `\040`.
    init(_ text: String) {
        targets = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 1 ? Self.unescaped(String(fields[1])) : nil
        }
    }

    static var current: MountTable { MountTable((try? readText("/proc/self/mounts")) ?? "") }

    /// The mounts at a directory and below, the last made first, as they have to be undone.
    func below(_ directory: String) -> [String] {
        targets.filter { $0 == directory || $0.hasPrefix(directory + "/") }.reversed()
    }

    private static func unescaped(_ path: String) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(path) { path, escape in
            path.split(separator: escape.0, omittingEmptySubsequences: false).joined(separator: escape.1)
        }
    }
}

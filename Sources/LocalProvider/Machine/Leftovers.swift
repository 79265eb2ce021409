import FoundationEssentials
import Sandbox
import Workbench

extension LocalMachineFactory {
    /// All resources of builds with this state folder or this cache: in use, or else kept after a failure or orphaned.
    package func leftovers() async throws -> [Asset] {
        var assets: [Asset] = []
        for name in buildNames() {
            let parts = BuildResources(name: name, in: self)
            // The lock first: a build that ends meanwhile is then in use, or kept, and never orphaned by mistake.
            let isAlive = parts.heldLock != nil
            let isKept = BuildRecord.read(parts.directory)?.kept != nil
            let state: Asset.LocalState = isAlive ? .inUse : isKept ? .kept : .orphaned
            let found = try await find(parts, assetID: assetID(of: parts), state: state)
            let keeper = state == .kept ? foreignState(of: parts) : nil
            assets += found.map { asset in
                var asset = asset
                asset.keeper = keeper
                return asset
            }
        }
        return assets
    }

    /// Removes the leftovers of killed builds of this asset id, and a machine kept with this state folder; having
    /// nothing to remove is not an error.
    /// - Returns: the removed resources.
    /// - Throws: `Failure(.temporary)` if the build is still running.
    @discardableResult
    package func removeLeftovers(of assetID: String) async throws -> [Asset] {
        var removed: [Asset] = []
        let derived = machineName(assetID, stateDirectory: stateDirectory)
        let names = Set(
            buildNames().filter { self.assetID(of: BuildResources(name: $0, in: self)) == assetID } + [derived])
        try makeDirectory(buildsDirectory)
        for name in names.sorted() {
            let parts = BuildResources(name: name, in: self)
            let lock: BuildLock
            do { lock = try BuildLock(parts, holder: "\(assetID) (removing its leftovers)") } catch let held as LockHeld
            {
                throw Failure(
                    .temporary, "a build of asset id \(held.holder) is still running", advice: "stop it first")
            }
            let isKept = BuildRecord.read(parts.directory)?.kept != nil
            if !isKept || foreignState(of: parts) == nil {
                removed += try await find(parts, assetID: assetID, state: .orphaned)
                try await dismantle(parts)
            }
            withExtendedLifetime(lock) {}
        }
        return removed
    }

    /// The state folder of a build if it is not the one of this program.
    private func foreignState(of parts: BuildResources) -> String? {
        let builds = parentDirectory(parts.directory)
        return builds == buildsDirectory ? nil : parentDirectory(builds)
    }

    /// The names of all builds that may have resources: from build directories, lock files and trees in the cache.
    func buildNames() -> [String] {
        let contents = { (path: String) in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
        let directories = contents(buildsDirectory).compactMap { name -> String? in
            if name.hasSuffix(".lock") { return String(name.dropLast(5)) }
            return name.hasPrefix(".") ? nil : name
        }
        return Set(directories + contents("\(cache.directory)/work")).sorted()
    }

    /// The asset id recorded by the build, or the name of the directory.
    private func assetID(of parts: BuildResources) -> String {
        (BuildRecord.read(parts.directory) ?? BuildRecord.read(parts.unfinished))?.assetID ?? parts.name
    }
}

/// The mounts visible to this process, in mount order.
struct MountTable: Sendable, Equatable {
    private struct Mount: Equatable {
        var target: String
        var type: String
    }
    private var mounts: [Mount]

    /// - Parameter text: as in `/proc/self/mounts`; spaces in paths are escaped as `\040`.
    init(_ text: String) {
        mounts = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 2 else { return nil }
            return Mount(target: Self.unescaped(String(fields[1])), type: String(fields[2]))
        }
    }

    static var current: MountTable { MountTable((try? readText("/proc/self/mounts")) ?? "") }

    /// The mounts at and below a directory in unmount order: the last mount first.
    func below(_ directory: String) -> [String] {
        mounts.map(\.target).filter { $0 == directory || $0.hasPrefix(directory + "/") }.reversed()
    }

    /// The type of the file system that a path is on; a later mount hides an earlier one.
    func type(of path: String) -> String? {
        mounts.last { path == $0.target || path.hasPrefix($0.target == "/" ? "/" : $0.target + "/") }?.type
    }

    private static func unescaped(_ path: String) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(path) { path, escape in
            path.split(separator: escape.0, omittingEmptySubsequences: false).joined(separator: escape.1)
        }
    }
}

import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// A content-addressed cache of directory trees: the key of a tree is the hash of its inputs.
///
///     base/KEY/  base/KEY.json     a root file system and its manifest
///     base/KEY.products/           products made from it, removed with it: contents.json are digests of its files
///     layers/KEY/  …               the changes of a step: an overlay's upper directory, moved, never copied
///     locks/                       locks of the builds that create or use an entry, and of running builds
///     work/BUILD/                  trees of running builds
package struct ContentCache: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable, CaseIterable { case base, layers }

    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    func tree(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key)" }
    func manifest(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key).json" }
    func products(_ kind: Kind, _ key: String) -> String { CachedTree(key: key, path: tree(kind, key)).products }
    func contents(_ kind: Kind, _ key: String) -> String { "\(products(kind, key))/contents.json" }
    func lock(_ kind: Kind, _ key: String) -> String { "\(directory)/locks/\(kind.rawValue)-\(key).lock" }
    func lock(ofBuild build: String) -> String { "\(directory)/locks/build-\(build).lock" }
    func workspace(_ build: String) -> String { "\(directory)/work/\(build)" }
}

extension ContentCache {
    /// Creates the directories of the trees, closed to everybody but root: the trees contain setuid programs that get
    /// no updates any more, and files that no other user may read.
    ///
    /// The cache directory itself may hold other things of its owner, so an existing one keeps its mode.
    /// - Throws: `Failure` if another user could replace the trees.
    func prepare() throws {
        if !fileExists(directory) { try makePrivateDirectory(directory) }
        for path in treeDirectories {
            do { try makePrivateDirectory(path) } catch let error as FileError where error.code == EPERM {
                throw unsuitable(Obstacle("\(error)"))
            }
            var status = stat()
            guard stat(path, &status) == 0, status.st_uid == geteuid() else {
                throw Failure(
                    .noPermission, "\(path) belongs to another user, who could change what a build takes from it",
                    advice: "remove it, or use another --cache")
            }
        }
    }

    /// Whether this user can read the cache; one that does not exist yet is empty.
    var isReadable: Bool {
        ([directory] + treeDirectories).allSatisfy { path in
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else { return errno == ENOENT }
            close(folder)
            return true
        }
    }

    private var treeDirectories: [String] {
        (Kind.allCases.map(\.rawValue) + ["work"]).map { "\(directory)/\($0)" }
    }
}

/// Metadata of a cache entry, written when the entry is complete.
struct CacheEntryManifest: Sendable, Equatable, Codable {
    var key: String
    /// Readable inputs of the entry.
    var inputs: [String: String]
    var fingerprint: String
    var bytes: Int64
    /// Components known to be missing from the installed system.
    var missing: [MissingComponent]
    /// The digests of the files and values that a layer was made from, by name; `nil` in an entry of an older `dss`.
    var parts: [String: String]?
    /// What Ansible read outside of the playbook's folder for a layer and those below it, see `OutsideFiles`.
    var reads: [String: String]?
    /// How long it took to make.
    var seconds: Double?
    /// When each asset id last used the entry, in seconds since 1970, to tell what has changed since.
    var usedBy: [String: Double]?

    /// - Returns: `nil` if the file is missing or invalid.
    static func read(_ path: String) -> CacheEntryManifest? {
        FileManager.default.contents(atPath: path).flatMap {
            try? JSONDecoder().decode(CacheEntryManifest.self, from: $0)
        }
    }

    func write(_ path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try writeAtomically(String(decoding: try encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}

/// A read-only tree that is part of a machine's root overlay.
package struct CachedTree: Sendable, Equatable, Codable {
    package var key: String
    package var path: String
    package var missing: [MissingComponent] = []
    /// What Ansible read outside of the playbook's folder for this tree and those below it.
    package var reads: [String: String]?

    /// Directory for products made from this tree only; removed together with it.
    package var products: String { "\(path).products" }
}

extension Command {
    /// Computes the fingerprint of a tree. It changes with the name, type, mode, owner, size, times or link target of
    /// any file. The time of the last change of the inode (`%C@`) reveals a write even if the modification time was
    /// restored, since the kernel sets it. A tree that was copied has other ones, too.
    static func fingerprint(of tree: String) -> Command {
        let script = #"""
            cd "$1" && find . -printf '%P\t%y %m %U:%G %s %T@ %C@ %l\0' | LC_ALL=C sort -z | sha256sum | cut -c1-64
            """#
        return Command("sh", ["-c", script, "sh", tree])
    }

    static func diskUsage(of paths: [String]) -> Command { Command("du", ["-skc"] + paths) }

    static func removeTree(_ path: String) -> Command { Command("rm", ["-rf", "--one-file-system", "--", path]) }
}

extension CommandRunner {
    /// Total disk usage of trees in bytes.
    func diskUsage(of paths: [String]) async throws -> Int64 {
        let output = try await execute(.diskUsage(of: paths)).standardOutput
        let total = output.split(separator: "\n").last?.split(separator: "\t").first
        return total.flatMap { Int64($0) }.map { $0 * 1024 } ?? 0
    }
}

/// Cache access for one build: entries that it found or added are kept until the build is closed.
struct CacheAccess: Sendable {
    var cache: ContentCache
    var runner: any CommandRunner
    var build: Build
    var events: EventSink

    enum State: Sendable, Equatable {
        case valid(CacheEntryManifest)
        case absent
        case corrupt(String)
    }

    /// The state of an entry; of its files, nothing is changed.
    func state(_ kind: ContentCache.Kind, _ key: String) async throws -> State {
        let tree = cache.tree(kind, key)
        let manifest = CacheEntryManifest.read(cache.manifest(kind, key))
        guard let manifest else {
            guard fileExists(tree) || fileExists(cache.manifest(kind, key)) else { return .absent }
            return .corrupt("it is incomplete or its manifest is damaged")
        }
        guard manifest.key == key else { return .corrupt("its manifest belongs to another entry") }
        guard fileExists(tree) else { return .corrupt("its files are missing") }
        let fingerprint = try await runner.run(.fingerprint(of: tree)).trimmedLine
        guard fingerprint == manifest.fingerprint else { return .corrupt("some of its files are missing or changed") }
        return try await hasOtherContents(kind, key)
            ? .corrupt("the contents of some of its files have changed") : .valid(manifest)
    }

    /// - Parameter isCurrent: whether what is not part of the key has not changed since the entry was made.
    /// - Returns: the entry, locked for this build; `nil` if there is no valid one.
    func find(
        _ kind: ContentCache.Kind, _ key: String, where isCurrent: (CacheEntryManifest) -> Bool = { _ in true }
    ) async throws -> CachedTree? {
        let (found, isCorrupt) = try await findShared(kind, key, where: isCurrent)
        return isCorrupt ? try await findAlone(kind, key).found : found
    }

    /// Returns the entry, or creates it with `make` if there is no valid one. If another build is creating it, this
    /// call waits for that build.
    /// - Parameter make: returns the path of the finished tree, on the cache's file system.
    func obtain(
        _ kind: ContentCache.Kind, _ key: String, inputs: [String: String], make: () async throws -> String
    ) async throws -> CachedTree {
        if let found = try await find(kind, key) { return found }
        let (found, lock) = try await findAlone(kind, key)
        if let found { return found }
        let started = ContinuousClock.now
        let path = try await make()
        try await moveIn(path, kind, key)
        let manifest = try await complete(kind, key, inputs: inputs, missing: [], started: started)
        return use(kind, key, manifest, lock)
    }

    /// Replaces the entry with this key, unless another build uses it. In that case the tree is not moved, and only
    /// this build uses it.
    /// - Returns: the tree, and whether the entry still has to be completed.
    func place(
        _ path: String, _ kind: ContentCache.Kind, _ key: String
    ) async throws -> (CachedTree, isIncomplete: Bool) {
        guard let lock = try CacheEntryLock.attempt(cache.lock(kind, key), .exclusive, holder: build.holder) else {
            events(.notice("the cached \(kind.inWords) is in use by another build; the new one is not cached"))
            return (CachedTree(key: key, path: path), false)
        }
        try await cache.discard(kind, key, runner)
        try await moveIn(path, kind, key)
        build.hold(lock)
        return (CachedTree(key: key, path: cache.tree(kind, key)), true)
    }

    /// Writes the manifest that makes the entry valid.
    /// - Parameter started: when the making of the entry began.
    @discardableResult
    func complete(
        _ kind: ContentCache.Kind, _ key: String, inputs: [String: String], missing: [MissingComponent],
        parts: [String: String]? = nil, reads: [String: String]? = nil, started: ContinuousClock.Instant? = nil
    ) async throws -> CacheEntryManifest {
        let tree = cache.tree(kind, key)
        let seconds = started.map { ($0.duration(to: .now) / .milliseconds(1)).rounded() / 1000 }
        async let fingerprint = runner.run(.fingerprint(of: tree)).trimmedLine
        async let bytes = runner.diskUsage(of: [tree])
        try await ContentRecord(of: tree, now: Self.now).write(cache.contents(kind, key))
        let manifest = CacheEntryManifest(
            key: key, inputs: inputs, fingerprint: try await fingerprint, bytes: try await bytes, missing: missing,
            parts: parts, reads: reads, seconds: seconds, usedBy: [build.assetID.rawValue: Self.now])
        try manifest.write(cache.manifest(kind, key))
        return manifest
    }

    private func reportWait(for holder: String, _ kind: ContentCache.Kind) {
        events(.progress(.setup, Progress("waiting for the build of \(holder)")))
        events(.notice("waiting for the build of \(holder), which is using the same \(kind.inWords)"))
    }

    /// If no entry is found, the shared lock is released on return, before the exclusive one is requested.
    private func findShared(
        _ kind: ContentCache.Kind, _ key: String, where isCurrent: (CacheEntryManifest) -> Bool
    ) async throws -> (found: CachedTree?, isCorrupt: Bool) {
        let shared = try await CacheEntryLock.waitShared(cache.lock(kind, key), holder: build.holder) {
            reportWait(for: $0, kind)
        }
        return switch try await state(kind, key) {
        case .valid(let manifest) where isCurrent(manifest): (use(kind, key, manifest, shared), false)
        case .valid, .absent: (nil, false)
        case .corrupt: (nil, true)
        }
    }

    /// - Returns: the entry with a shared lock on it, or no entry with the exclusive lock to create it.
    func findAlone(
        _ kind: ContentCache.Kind, _ key: String
    ) async throws -> (found: CachedTree?, lock: CacheEntryLock) {
        let path = cache.lock(kind, key)
        let start = ContinuousClock.now
        var exclusive = try CacheEntryLock.attempt(path, .exclusive, holder: build.holder)
        if exclusive == nil { reportWait(for: CacheEntryLock.holder(path), kind) }
        while exclusive == nil {
            // A build that has created the entry in the meantime holds a shared lock until it ends.
            if let shared = try CacheEntryLock.attempt(path, .shared, holder: build.holder),
                case .valid(let manifest) = try await state(kind, key)
            {
                return (use(kind, key, manifest, shared), shared)
            }
            try CacheEntryLock.check(path, since: start, CacheEntryLock.patience)
            try await Task.sleep(for: .milliseconds(.random(in: 50...150)))
            exclusive = try CacheEntryLock.attempt(path, .exclusive, holder: build.holder)
        }
        let lock = exclusive!
        switch try await state(kind, key) {
        case .valid(let manifest): return (use(kind, key, manifest, lock), lock)
        case .absent: break
        case .corrupt(let reason):
            events(.warning("the cached \(kind.inWords) \(key) cannot be used: \(reason); rebuilding it"))
            try await cache.discard(kind, key, runner)
        }
        return (nil, lock)
    }

    private func use(
        _ kind: ContentCache.Kind, _ key: String, _ manifest: CacheEntryManifest, _ lock: CacheEntryLock
    ) -> CachedTree {
        var used = manifest
        used.usedBy = (manifest.usedBy ?? [:]).merging([build.assetID.rawValue: Self.now]) { $1 }
        // On a full disk, at least the entry counts as used.
        do { try used.write(cache.manifest(kind, key)) } catch { utimes(cache.manifest(kind, key), nil) }
        lock.share()
        build.hold(lock)
        return CachedTree(
            key: key, path: cache.tree(kind, key), missing: manifest.missing, reads: manifest.reads)
    }

    private static var now: Double { Date().timeIntervalSince1970 }

    private func moveIn(_ path: String, _ kind: ContentCache.Kind, _ key: String) async throws {
        let target = cache.tree(kind, key)
        try makeDirectory(parentDirectory(target))
        guard rename(path, target) == 0 else { throw FileError("move into the cache", path) }
    }
}

extension ContentCache.Kind {
    var inWords: String { self == .base ? "base system" : "layer" }
}

/// A lock on a cache entry: shared by the builds that use it, exclusive to create or remove it.
/// The kernel releases the lock when its holder dies.
final class CacheEntryLock: Sendable {
    enum Mode: Sendable { case shared, exclusive }

    private let descriptor: Int32
    let path: String

    private init(_ path: String) throws {
        try makeDirectory(parentDirectory(path))
        // Whoever can open the file can lock it, and would make every build wait.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else { throw FileError("open lock file", path) }
        self.path = path
    }

    /// - Returns: `nil` if others hold the lock.
    static func attempt(_ path: String, _ mode: Mode, holder: String) throws -> CacheEntryLock? {
        let lock = try CacheEntryLock(path)
        return lock.acquire(mode, holder: holder) ? lock : nil
    }

    /// Description of the last exclusive holder.
    static func holder(_ path: String) -> String { (try? readText(path))?.trimmedLine ?? "" }

    /// Whether any process holds the lock; needs no write permission, so it also works for users other than root.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == EACCES && kernelListsLock(on: path) }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return true }
        flock(descriptor, LOCK_UN)
        return false
    }

    /// How long a build waits for another one, which may take an hour on a slow network.
    static let patience = Duration.seconds(4 * 3600)

    /// Ends a wait that began too long ago.
    /// - Throws: `Failure(.temporary)` that names the holder.
    static func check(_ path: String, since start: ContinuousClock.Instant, _ limit: Duration) throws {
        guard start.duration(to: .now) >= limit else { return }
        throw Failure(
            .temporary, "cache entry is still in use by the build of \(holder(path))", details: [path],
            advice: "wait for that build, or stop it with Ctrl-C")
    }

    /// Waits until no process holds the exclusive lock.
    /// - Parameter onWait: called once with the holder.
    static func waitShared(
        _ path: String, holder: String, limit: Duration = patience, onWait: (String) -> Void
    ) async throws -> CacheEntryLock {
        let lock = try CacheEntryLock(path)
        let start = ContinuousClock.now
        var isReported = false
        while !lock.acquire(.shared, holder: holder) {
            if !isReported { onWait(self.holder(path)) }
            isReported = true
            try check(path, since: start, limit)
            try await Task.sleep(for: .milliseconds(100))
        }
        return lock
    }

    /// Downgrades the lock to a shared one. Others may use the entry even before this returns, but cannot remove it
    /// afterwards.
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
        // Explicit, because a child that was just forked and has not called exec yet would keep the lock after close.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// An overlay mount of read-only trees, the lowest first, with an optional writable layer on top.
struct Overlay: Sendable, Equatable {
    var lower: [String]
    /// The upper directory for changes and the work directory that the kernel requires; `nil` mounts read-only.
    var upper: (changes: String, work: String)?
    var target: String

    static func == (a: Overlay, b: Overlay) -> Bool { a.mount == b.mount }

    /// The mount command. Features that affect the format of the upper directory are set explicitly, because the
    /// kernel's defaults vary between hosts. `volatile` omits all syncs: a build that loses power starts over anyway.
    var mount: Command {
        var options = ["lowerdir=\(lower.reversed().map(Self.escaped).joined(separator: ":"))"]
        if let upper {
            options += ["upperdir=\(Self.escaped(upper.changes))", "workdir=\(Self.escaped(upper.work))", "volatile"]
        } else {
            options.append("ro")
        }
        options += ["redirect_dir=off", "metacopy=off", "index=off", "xino=off"]
        return Command("mount", ["-t", "overlay", "-o", options.joined(separator: ","), "dss", target])
    }

    private static func escaped(_ path: String) -> String {
        path.map { "\\:,".contains($0) ? "\\\($0)" : String($0) }.joined()
    }
}

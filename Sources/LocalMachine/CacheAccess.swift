import Glibc
import Sandbox
import Workbench

/// The cache as one build uses it: what the build found or put there stays until the build is closed.
struct CacheAccess: Sendable {
    var cache: ContentCache
    var runner: any CommandRunner
    var build: Build
    var events: EventSink

    enum State: Sendable, Equatable {
        case valid(CacheSeal)
        case absent
        case corrupt(String)
    }

    /// Looks at an entry without changing anything.
    func state(_ kind: ContentCache.Kind, _ key: String) async throws -> State {
        let tree = cache.tree(kind, key)
        let seal = CacheSeal.read(cache.seal(kind, key))
        guard let seal else {
            guard fileExists(tree) || fileExists(cache.seal(kind, key)) else { return .absent }
            return .corrupt("it was never finished or its seal is damaged")
        }
        guard seal.key == key else { return .corrupt("its seal is another one's") }
        guard fileExists(tree) else { return .corrupt("its files are gone") }
        let fingerprint = try await runner.run(.fingerprint(of: tree)).trimmedLine
        return fingerprint == seal.fingerprint ? .valid(seal) : .corrupt("files in it are missing or were changed")
    }

    /// - Returns: the entry, kept in place for this build; `nil` where there is none that is whole.
    func find(_ kind: ContentCache.Kind, _ key: String) async throws -> CachedTree? {
        let (found, isCorrupt) = try await findShared(kind, key)
        return isCorrupt ? try await findAlone(kind, key).found : found
    }

    /// The entry, made by `make` where there is none that is whole; where another build is making it, that is awaited.
    /// - Parameter make: gives the path of the finished tree, on the cache's file system.
    func obtain(
        _ kind: ContentCache.Kind, _ key: String, inputs: [String: String], make: () async throws -> String
    ) async throws -> CachedTree {
        if let found = try await find(kind, key) { return found }
        let (found, lock) = try await findAlone(kind, key)
        if let found { return found }
        let path = try await make()
        try await moveIn(path, kind, key)
        return use(kind, key, try await seal(kind, key, inputs: inputs, missing: []), lock)
    }

    /// Puts a tree in the place of whatever has this key, unless another build uses that: then the tree stays
    /// where it is, for this build alone.
    /// - Returns: the tree, and whether it still has to be sealed.
    func place(_ path: String, _ kind: ContentCache.Kind, _ key: String) async throws -> (CachedTree, needsSeal: Bool) {
        guard let lock = try EntryLock.attempt(cache.lock(kind, key), .exclusive, holder: build.holder) else {
            events(.notice("another build uses what the cache has for this step, so the new one is not kept"))
            return (CachedTree(key: key, path: path), false)
        }
        try await cache.discard(kind, key, runner)
        try await moveIn(path, kind, key)
        build.hold(lock)
        return (CachedTree(key: key, path: cache.tree(kind, key)), true)
    }

    /// Writes the seal, which makes the entry one.
    @discardableResult
    func seal(
        _ kind: ContentCache.Kind, _ key: String, inputs: [String: String], missing: [MissingComponent]
    ) async throws -> CacheSeal {
        let tree = cache.tree(kind, key)
        async let fingerprint = runner.run(.fingerprint(of: tree)).trimmedLine
        async let bytes = runner.diskUsage(of: [tree])
        let seal = CacheSeal(
            key: key, inputs: inputs, fingerprint: try await fingerprint, bytes: try await bytes, missing: missing)
        try seal.write(cache.seal(kind, key))
        return seal
    }

    private func tellWait(for holder: String, _ kind: ContentCache.Kind) {
        events(.progress(.setup, Progress("waiting for the build of \(holder)")))
        events(.notice("waiting for the build of \(holder), which makes or uses the same \(kind.inWords)"))
    }

    /// The lock is given back on return, before anybody waits for the exclusive one.
    private func findShared(
        _ kind: ContentCache.Kind, _ key: String
    ) async throws -> (found: CachedTree?, isCorrupt: Bool) {
        let shared = try await EntryLock.waitShared(cache.lock(kind, key), holder: build.holder) {
            tellWait(for: $0, kind)
        }
        return switch try await state(kind, key) {
        case .valid(let seal): (use(kind, key, seal, shared), false)
        case .absent: (nil, false)
        case .corrupt: (nil, true)
        }
    }

    /// - Returns: the entry and a share in it, or nothing and the right to make it.
    func findAlone(
        _ kind: ContentCache.Kind, _ key: String
    ) async throws -> (found: CachedTree?, lock: EntryLock) {
        let path = cache.lock(kind, key)
        var exclusive = try EntryLock.attempt(path, .exclusive, holder: build.holder)
        if exclusive == nil { tellWait(for: EntryLock.holder(path), kind) }
        while exclusive == nil {
            // Whoever has made it meanwhile keeps a share in it for as long as its build runs.
            if let shared = try EntryLock.attempt(path, .shared, holder: build.holder),
                case .valid(let seal) = try await state(kind, key)
            {
                return (use(kind, key, seal, shared), shared)
            }
            try await Task.sleep(for: .milliseconds(.random(in: 50...150)))
            exclusive = try EntryLock.attempt(path, .exclusive, holder: build.holder)
        }
        let lock = exclusive!
        switch try await state(kind, key) {
        case .valid(let seal): return (use(kind, key, seal, lock), lock)
        case .absent: break
        case .corrupt(let reason):
            events(.warning("the cached \(kind.inWords) \(key) cannot be used: \(reason); it is made again"))
            try await cache.discard(kind, key, runner)
        }
        return (nil, lock)
    }

    private func use(_ kind: ContentCache.Kind, _ key: String, _ seal: CacheSeal, _ lock: EntryLock) -> CachedTree {
        utimes(cache.seal(kind, key), nil)
        lock.share()
        build.hold(lock)
        return CachedTree(key: key, path: cache.tree(kind, key), missing: seal.missing)
    }

    private func moveIn(_ path: String, _ kind: ContentCache.Kind, _ key: String) async throws {
        let target = cache.tree(kind, key)
        try makeDirectory(parentDirectory(target))
        guard rename(path, target) == 0 else { throw FileError("move into the cache", path) }
    }
}

extension ContentCache.Kind {
    var inWords: String { self == .base ? "base system" : "installed step" }
}

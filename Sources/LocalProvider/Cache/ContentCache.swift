import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Directory trees found by the hash of all that went into them.
///
///     base/KEY/  base/KEY.json     a root file system and its seal
///     base/KEY.products/           what others make from it, gone when it is
///     layers/KEY/  …               the changes of an installed step: an overlay's upper directory, moved, never copied
///     locks/                       who makes or uses an entry
///     work/BUILD/                  trees that running builds change
package struct ContentCache: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable, CaseIterable { case base, layers }

    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    func tree(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key)" }
    func seal(_ kind: Kind, _ key: String) -> String { "\(directory)/\(kind.rawValue)/\(key).json" }
    func products(_ kind: Kind, _ key: String) -> String { CachedTree(key: key, path: tree(kind, key)).products }
    func lock(_ kind: Kind, _ key: String) -> String { "\(directory)/locks/\(kind.rawValue)-\(key).lock" }
    func workspace(_ build: String) -> String { "\(directory)/work/\(build)" }
}

/// What a cache entry is, written when it was whole.
struct CacheSeal: Sendable, Equatable, Codable {
    var key: String
    /// All that went in, in words.
    var inputs: [String: String]
    var fingerprint: String
    var bytes: Int64
    /// What the installed system is known to lack.
    var missing: [MissingComponent]

    /// - Returns: `nil` where the file is missing or is none.
    static func read(_ path: String) -> CacheSeal? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(CacheSeal.self, from: $0) }
    }

    func write(_ path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try writeAtomically(String(decoding: try encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}

/// A read-only tree that a machine's root is stacked from.
package struct CachedTree: Sendable, Equatable {
    package var key: String
    package var path: String
    package var missing: [MissingComponent] = []

    /// A folder beside it for what is made from it alone; it goes when the tree goes.
    package var products: String { "\(path).products" }
}

extension Command {
    /// One line for a whole tree: it changes with any entry's name, type, mode, owner, size, time or link target.
    static func fingerprint(of tree: String) -> Command {
        let script = #"""
            cd "$1" && find . -printf '%P\t%y %m %U:%G %s %T@ %l\0' | LC_ALL=C sort -z | sha256sum | cut -c1-64
            """#
        return Command("sh", ["-c", script, "sh", tree])
    }

    static func diskUsage(of paths: [String]) -> Command { Command("du", ["-skc"] + paths) }

    static func removeTree(_ path: String) -> Command { Command("rm", ["-rf", "--one-file-system", "--", path]) }
}

extension CommandRunner {
    /// Bytes on disk of trees together.
    func diskUsage(of paths: [String]) async throws -> Int64 {
        let output = try await execute(.diskUsage(of: paths)).standardOutput
        let total = output.split(separator: "\n").last?.split(separator: "\t").first
        return total.flatMap { Int64($0) }.map { $0 * 1024 } ?? 0
    }
}

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

/// A stack of read-only trees, the lowest first, with room for changes on top.
struct Overlay: Sendable, Equatable {
    var lower: [String]
    /// Where changes go and the directory that the kernel needs beside it; `nil` is a read-only view.
    var upper: (changes: String, work: String)?
    var target: String

    static func == (a: Overlay, b: Overlay) -> Bool { a.mount == b.mount }

    /// The kernel's defaults differ from host to host, so the features that change what the upper directory
    /// looks like are named. `volatile` leaves out every sync: a build that loses power starts anew anyway.
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

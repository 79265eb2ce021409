import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// The digests of the contents of a cache entry.
///
/// The fingerprint of a tree does not notice a damaged disk, or a change while the clock of the host was set back. To read
/// all contents takes longer than a warm build, so they are divided into parts by the names of the files, and a build
/// reads those that were not read for the longest time, as many as its budget allows.
struct ContentRecord: Sendable, Equatable, Codable {
    struct Part: Sendable, Equatable, Codable {
        var digest: String
        /// When the digest was computed or last compared, in seconds since 1970.
        var checked: Double
    }

    var parts: [Part]
    /// Whether a comparison failed, so that the entry is not used any more.
    var isChanged = false

    /// A part of a system with 3 GB takes some 30 ms from memory, and 150 ms from a disk.
    static let count = 64
    /// How long a part counts as checked, in seconds.
    static let validity = 86_400.0

    /// Reads the contents of a tree that was just made.
    init(of tree: String, now: Double) async throws {
        let files = try await inBackground { try Self.files(of: tree) }
        let digests = try await Self.digests(of: files.indices.map { ($0, files[$0]) }, until: nil)
        parts = files.indices.map { Part(digest: digests[$0] ?? "", checked: now) }
    }

    /// - Returns: `nil` if the file is missing or damaged.
    static func read(_ path: String) -> ContentRecord? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(ContentRecord.self, from: $0) }
            .flatMap { $0.parts.count == count ? $0 : nil }
    }

    func write(_ path: String) throws {
        try makeDirectory(parentDirectory(path))
        try writeAtomically(
            String(decoding: try JSONEncoder().encode(self), as: UTF8.self) + "\n", to: path, mode: 0o600)
    }

    /// Compares the parts that were not compared for a day, the oldest first.
    /// - Parameter budget: how long to begin with further parts; `nil` compares all parts, however new.
    mutating func check(_ tree: String, within budget: Duration?, now: Double) async throws {
        // A clock that was set back makes no part valid for ever.
        let due = parts.indices.filter { budget == nil || abs(now - parts[$0].checked) >= Self.validity }
            .sorted { parts[$0].checked < parts[$1].checked }
        if due.isEmpty || budget.map({ $0 <= .zero }) == true { return }
        let deadline = budget.map { ContinuousClock.now + $0 }
        let files = try await inBackground { try Self.files(of: tree) }
        for (part, digest) in try await Self.digests(of: due.map { ($0, files[$0]) }, until: deadline) {
            if digest == parts[part].digest { parts[part].checked = now } else { isChanged = true }
        }
    }

    private struct File: Sendable {
        var name: [UInt8]
        var path: RawPath
    }

    /// The regular files of a tree, by part.
    private static func files(of tree: String) throws -> [[File]] {
        var parts = [[File]](repeating: [], count: count)
        var folders = [File(name: [], path: RawPath(tree))]
        while let folder = folders.popLast() {
            for name in try folder.path.names() {
                let file = File(name: folder.name + [UInt8(ascii: "/")] + name, path: folder.path.appending(name))
                switch try file.path.kind() {
                case .directory: folders.append(file)
                case .file: parts[Int(Self.hash(file.name) % UInt64(count))].append(file)
                case nil: continue
                }
            }
        }
        return parts.map { $0.sorted { $0.name.lexicographicallyPrecedes($1.name) } }
    }

    /// FNV-1a: the same in every run, unlike the hashes of Swift.
    private static func hash(_ name: [UInt8]) -> UInt64 {
        name.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// - Returns: the digests of the parts that were begun before the deadline, at least of one.
    private static func digests(
        of parts: [(Int, [File])], until deadline: ContinuousClock.Instant?
    ) async throws -> [Int: String] {
        let rest = Queue(parts)
        return try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: [Int: String].self) { group in
                for _ in 0..<max(1, ProcessInfo.processInfo.activeProcessorCount) {
                    group.addTask {
                        try await inBackground {
                            var digests: [Int: String] = [:]
                            while let (part, files) = rest.next(before: deadline) {
                                digests[part] = try digest(of: files)
                            }
                            return digests
                        }
                    }
                }
                let digests = try await group.reduce(into: [:]) { $0.merge($1) { $1 } }
                try Task.checkCancellation()
                return digests
            }
        } onCancel: {
            rest.clear()
        }
    }

    private static func digest(of files: [File]) throws -> String {
        var hash = ContentHash()
        for file in files {
            do { hash.add(RawPath.shown(file.name), try sha256(of: file.path)) } catch let error as FileError
                where error.code == EIO
            {
                // The disk is damaged.
                return "unreadable"
            }
        }
        return hash.hexDigest
    }

    /// Parts that several threads take, each of them once.
    private final class Queue: Sendable {
        private let parts: Mutex<(rest: ArraySlice<(Int, [File])>, isBegun: Bool)>

        init(_ parts: [(Int, [File])]) { self.parts = Mutex((parts[...], false)) }

        func next(before deadline: ContinuousClock.Instant?) -> (Int, [File])? {
            parts.withLock { state in
                if state.isBegun, let deadline, ContinuousClock.now >= deadline { return nil }
                state.isBegun = true
                return state.rest.popFirst()
            }
        }

        func clear() { parts.withLock { $0.rest = [] } }
    }
}

extension CacheAccess {
    /// Whether the contents of a valid entry differ from what was added, as far as the budget of the build goes.
    func hasOtherContents(_ kind: ContentCache.Kind, _ key: String) async throws -> Bool {
        let started = ContinuousClock.now
        defer { build.contentBudget.withLock { $0 -= started.duration(to: .now) } }
        return try await cache.hasOtherContents(kind, key, within: build.contentBudget.withLock { $0 })
    }
}

extension ContentCache {
    /// Compares the contents of an entry and notes the result.
    /// - Parameter budget: how long to read; `nil` reads everything.
    func hasOtherContents(_ kind: Kind, _ key: String, within budget: Duration?) async throws -> Bool {
        let file = contents(kind, key)
        // An entry of an older version has none. Where everything is to be read, it counts as changed, because nobody can
        // say that it has not.
        guard fileExists(file) else { return budget == nil }
        guard let record = ContentRecord.read(file) else { return true }
        var checked = record
        if !record.isChanged {
            try await checked.check(tree(kind, key), within: budget, now: Date().timeIntervalSince1970)
            // On a full disk, the same parts are read again.
            if checked != record { try? checked.write(file) }
        }
        return checked.isChanged
    }
}

extension LocalMachineFactory {
    /// Reads all contents of the cache, and removes the entries that have changed.
    package func verifyCache(isDryRun: Bool) async throws -> CachePruning {
        var pruning = CachePruning(entries: cache.entries, removed: [])
        for entry in pruning.entries where entry.isWhole {
            guard try await isChanged(entry) else { continue }
            if !isDryRun {
                // A build uses the entry. The next one makes it anew.
                do { try await remove(entry) } catch let error as Failure where error.code == .temporary { continue }
            }
            pruning.removed.append(entry)
        }
        return pruning
    }

    private func isChanged(_ entry: ContentCache.Entry) async throws -> Bool {
        let path = cache.lock(entry.kind, entry.key)
        // An entry that is being made or removed has no contents to compare.
        guard let lock = try CacheEntryLock.attempt(path, .shared, holder: "verification"),
            let manifest = CacheEntryManifest.read(cache.manifest(entry.kind, entry.key))
        else { return false }
        defer { withExtendedLifetime(lock) {} }
        let tree = cache.tree(entry.kind, entry.key)
        guard try await runner.run(.fingerprint(of: tree)).trimmedLine == manifest.fingerprint else { return true }
        return try await cache.hasOtherContents(entry.kind, entry.key, within: nil)
    }
}

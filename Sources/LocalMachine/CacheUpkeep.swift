import FoundationEssentials
import Glibc
import Sandbox
import Workbench

extension ContentCache {
    package struct Entry: Sendable, Equatable, Codable {
        package var kind: Kind
        package var key: String
        package var inputs: [String: String]
        package var bytes: Int64
        /// Seconds since 1970.
        package var lastUsed: Double
        package var isInUse: Bool
    }
}

extension LocalMachineFactory {
    /// The finished entries of the cache, the longest unused first.
    package func cacheEntries() -> [ContentCache.Entry] {
        ContentCache.Kind.allCases.flatMap { kind -> [ContentCache.Entry] in
            let directory = "\(cache.directory)/\(kind.rawValue)"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            return names.filter { $0.hasSuffix(".json") }.compactMap { name -> ContentCache.Entry? in
                let key = String(name.dropLast(5))
                guard let seal = CacheSeal.read(cache.seal(kind, key)) else { return nil }
                let lock = try? EntryLock.attempt(cache.lock(kind, key), .exclusive, holder: "")
                return ContentCache.Entry(
                    kind: kind, key: key, inputs: seal.inputs, bytes: seal.bytes,
                    lastUsed: modificationTime(of: cache.seal(kind, key)), isInUse: lock == nil)
            }
        }.sorted { $0.lastUsed < $1.lastUsed }
    }

    /// Removes an entry.
    /// - Throws: `Failure(.temporary)` where a build uses it.
    package func remove(_ entry: ContentCache.Entry) async throws {
        guard let lock = try EntryLock.attempt(cache.lock(entry.kind, entry.key), .exclusive, holder: "clean-up") else {
            throw Failure(.temporary, "the cached \(entry.kind.inWords) \(entry.key) is in use by a build")
        }
        unlink(cache.seal(entry.kind, entry.key))
        try await runner.run(.removeTree(cache.tree(entry.kind, entry.key)))
        withExtendedLifetime(lock) {}
    }

    /// Removes entries unused for some days, then the longest unused until the rest fits; never those in use.
    /// - Returns: what was removed.
    package func pruneCache(unusedForDays days: Double?, toBytes limit: Int64?) async throws -> [ContentCache.Entry] {
        let now = Date().timeIntervalSince1970
        var removed: [ContentCache.Entry] = []
        let entries = cacheEntries()
        var total = entries.map(\.bytes).reduce(0, +)
        for entry in entries where !entry.isInUse {
            let isOld = days.map { now - entry.lastUsed > $0 * 86400 } ?? false
            guard isOld || limit.map({ total > $0 }) ?? false else { continue }
            do { try await remove(entry) } catch let error as Failure where error.code == .temporary { continue }
            total -= entry.bytes
            removed.append(entry)
        }
        return removed
    }
}

/// Seconds since 1970; 0 where the file is gone.
func modificationTime(of path: String) -> Double {
    var info = stat()
    guard stat(path, &info) == 0 else { return 0 }
    return Double(info.st_mtim.tv_sec) + Double(info.st_mtim.tv_nsec) / 1e9
}

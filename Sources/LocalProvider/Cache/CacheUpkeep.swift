import FoundationEssentials
import Glibc
import Sandbox
import Workbench

extension ContentCache {
    package struct Entry: Sendable, Equatable {
        package var kind: Kind
        package var key: String
        /// Readable inputs; empty if the entry was never completed.
        package var inputs: [String: String]
        /// Size including the products made from the entry.
        package var bytes: Int64
        /// Seconds since 1970.
        package var lastUsed: Double
        package var isInUse: Bool
        package var isWhole: Bool

        /// Key of the entry that this one is stacked on.
        var below: String? { inputs["below"] }
    }

    /// All entries, including incomplete ones, the least recently used first.
    package var entries: [Entry] {
        Kind.allCases.flatMap { kind in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(kind.rawValue)")) ?? []
            return Set(names.compactMap { $0.split(separator: ".").first.map(String.init) }).map { entry(kind, $0) }
        }.sorted { ($0.lastUsed, $0.key) < ($1.lastUsed, $1.key) }
    }

    private func entry(_ kind: Kind, _ key: String) -> Entry {
        let manifest = CacheEntryManifest.read(self.manifest(kind, key))
        let products = (try? FileManager.default.contentsOfDirectory(atPath: self.products(kind, key))) ?? []
        let more = products.compactMap { bytesOfFile("\(self.products(kind, key))/\($0)") }.reduce(0, +)
        return Entry(
            kind: kind, key: key, inputs: manifest?.inputs ?? [:], bytes: (manifest?.bytes ?? 0) + more,
            lastUsed: modificationTime(of: manifest == nil ? tree(kind, key) : self.manifest(kind, key)),
            isInUse: CacheEntryLock.isHeld(lock(kind, key)), isWhole: manifest != nil && fileExists(tree(kind, key)))
    }
}

extension [ContentCache.Entry] {
    /// The entries to prune, in this order: incomplete entries, entries unused for `days`, and the least recently used
    /// entries until the rest fits into `limit`. Entries in use and entries below a kept entry are never pruned.
    package func prunable(unusedForDays days: Double?, toBytes limit: Int64?, now: Double) -> [ContentCache.Entry] {
        var rest = self
        var gone: [ContentCache.Entry] = []
        while true {
            let total = rest.map(\.bytes).reduce(0, +)
            let next = rest.filter { entry in
                let isOld = days.map { now - entry.lastUsed > $0 * 86400 } ?? false
                let isTooMuch = limit.map { total > $0 } ?? false
                return (!entry.isWhole || isOld || isTooMuch) && !entry.isInUse
                    && !rest.contains { $0.below == entry.key }
            }.min { ($0.isWhole ? 1 : 0, $0.lastUsed) < ($1.isWhole ? 1 : 0, $1.lastUsed) }
            guard let next else { return gone }
            rest.removeAll { $0 == next }
            gone.append(next)
        }
    }
}

/// The entries of the cache, and which of them were pruned.
package struct CachePruning: Sendable {
    package var entries: [ContentCache.Entry]
    /// In a dry run, the entries that would be removed.
    package var removed: [ContentCache.Entry]
}

extension LocalMachineFactory {
    /// Removes the prunable entries that no build uses.
    /// - Parameters:
    ///   - days: Removes entries that were not used for this long.
    ///   - limit: Removes the least recently used entries until the rest is no larger.
    ///   - now: Seconds since 1970.
    package func prune(
        unusedForDays days: Double?, toBytes limit: Int64?, now: Double, isDryRun: Bool
    ) async throws -> CachePruning {
        let kept = keptTrees
        let entries = cache.entries.map { entry in
            var entry = entry
            entry.isInUse = entry.isInUse || kept.contains(entry.key)
            return entry
        }
        let prunable = entries.prunable(unusedForDays: days, toBytes: limit, now: now)
        guard !isDryRun else { return CachePruning(entries: entries, removed: prunable) }
        var pruning = CachePruning(entries: entries, removed: [])
        for entry in prunable {
            // A build may have started to use the entry since it was listed.
            do { try await remove(entry) } catch let error as Failure where error.code == .temporary { continue }
            pruning.removed.append(entry)
        }
        return pruning
    }

    /// Keys of the trees below the machines of builds that run or were kept. The locks of a kept machine end with the
    /// process that holds them, at the latest when the host restarts.
    private var keptTrees: Set<String> {
        let records = buildNames().compactMap { BuildRecord.read(BuildResources(name: $0, in: self).directory) }
        return Set(records.flatMap { $0.machine?.trees ?? [] }.map(\.key))
    }

    /// Removes an entry with its products and the entries stacked on it.
    /// - Throws: `Failure(.temporary)` if a build uses it.
    package func remove(_ entry: ContentCache.Entry) async throws {
        guard let lock = try CacheEntryLock.attempt(cache.lock(entry.kind, entry.key), .exclusive, holder: "clean-up")
        else {
            throw Failure(.temporary, "the cached \(entry.kind.inWords) \(entry.key) is in use by a build")
        }
        try await cache.discard(entry.kind, entry.key, runner)
        withExtendedLifetime(lock) {}
    }
}

extension ContentCache {
    /// Removes an entry that the caller has locked exclusively, with its products. Entries stacked on it are useless
    /// without exactly these files, so they are removed too, unless a build uses them.
    func discard(_ kind: Kind, _ key: String, _ runner: any CommandRunner) async throws {
        unlink(manifest(kind, key))
        for path in [tree(kind, key), products(kind, key)] { try await runner.run(.removeTree(path)) }
        for above in entries where above.below == key {
            guard let lock = try CacheEntryLock.attempt(lock(above.kind, above.key), .exclusive, holder: "clean-up")
            else {
                continue
            }
            try await discard(above.kind, above.key, runner)
            withExtendedLifetime(lock) {}
        }
    }
}

private func bytesOfFile(_ path: String) -> Int64? {
    var info = stat()
    return stat(path, &info) == 0 ? Int64(info.st_blocks) * 512 : nil
}

/// Modification time in seconds since 1970; 0 if the file does not exist.
func modificationTime(of path: String) -> Double {
    var info = stat()
    guard stat(path, &info) == 0 else { return 0 }
    return Double(info.st_mtim.tv_sec) + Double(info.st_mtim.tv_nsec) / 1e9
}

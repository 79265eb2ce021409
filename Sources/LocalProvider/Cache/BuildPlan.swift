import FoundationEssentials
import Sandbox
import Workbench

/// What a build would take from the cache, what it would do, and why.
package struct BuildPlan: Sendable, Equatable {
    package enum State: String, Sendable {
        /// The images of an earlier build are up to date, so that a build does nothing.
        case upToDate = "up to date"
        case cached
        case build
    }

    /// A stage, or a part of one that has a cache entry of its own.
    package struct Part: Sendable, Equatable {
        package var stage: Stage
        /// The base system or the roles; empty for a stage without parts.
        package var name: String
        package var state: State
        /// What differs from the most similar entry of the cache: `pins.yaml changed`. Empty if nothing is known.
        package var changes: [String]
        /// How long it took to make that entry.
        package var seconds: Double?
    }

    package var parts: [Part]

    /// Whether a build would do nothing.
    package var isFinished: Bool { parts.allSatisfy { $0.state == .upToDate } }
}

extension LocalMachineFactory {
    /// Compares a plan with the manifests of the cache. Reads no trees and takes no locks, so that it is quick and works
    /// for every user; a build may still find that an entry is damaged.
    /// - Parameters:
    ///   - stages: the stages after the installation, which are never cached.
    ///   - upToDate: the stages that a build skips, because published images have their results.
    func plan(
        _ plan: MachinePlan, steps: [PlaybookStep], then stages: [Stage], upToDate: Set<Stage>
    ) -> BuildPlan {
        var parts: [BuildPlan.Part] = []
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let bases = cache.manifests(.base).map { ($0, $0.inputs) }
        parts.append(
            part(
                .setup, "base system \(plan.base.distribution) \(plan.base.suite)", .base, recipe.key, recipe.inputs,
                bases))
        let layers = cache.manifests(.layers).compactMap { manifest in manifest.parts.map { (manifest, $0) } }
        var told: Set<String> = []
        for ((step, key), made) in zip(zip(steps, plan.layerKeys(above: recipe.key)), plan.parts) {
            var part = part(.install, step.roles.joined(separator: ", "), .layers, key, made, layers)
            // The inputs of a step include those of the steps before.
            part.changes.removeAll { !told.insert($0).inserted }
            parts.append(part)
        }
        parts += stages.map { BuildPlan.Part(stage: $0, name: "", state: .build, changes: []) }
        let isCached = parts.map { $0.state == .cached }
        for index in parts.indices {
            if upToDate.contains(parts[index].stage) {
                parts[index].state = .upToDate
            } else if !plan.usesCache || !isCached[...index].allSatisfy(\.self) {
                parts[index].state = .build
            }
        }
        return BuildPlan(parts: parts)
    }

    /// One part, compared with the most similar of the entries; one that has less than half in common does not count.
    private func part(
        _ stage: Stage, _ name: String, _ kind: ContentCache.Kind, _ key: String, _ inputs: [String: String],
        _ entries: [(manifest: CacheEntryManifest, inputs: [String: String])]
    ) -> BuildPlan.Part {
        if let own = entries.first(where: { $0.manifest.key == key }), fileExists(cache.tree(kind, key)) {
            return BuildPlan.Part(
                stage: stage, name: name, state: .cached, changes: [], seconds: own.manifest.seconds)
        }
        let similar = entries.map { ($0.manifest, changes(from: $0.inputs, to: inputs)) }
            .filter { 2 * $0.1.count < inputs.count }.min { $0.1.count < $1.1.count }
        return BuildPlan.Part(
            stage: stage, name: name, state: .build, changes: similar?.1 ?? [], seconds: similar?.0.seconds)
    }
}

/// What differs between the inputs of two entries, sorted by name.
func changes(from old: [String: String], to new: [String: String]) -> [String] {
    Set(old.keys).union(new.keys).sorted().compactMap { name in
        switch (old[name], new[name]) {
        case (nil, _): "\(name) is new"
        case (_, nil): "\(name) is gone"
        case (let before, let now): before == now ? nil : "\(name) changed"
        }
    }
}

extension ContentCache {
    /// The manifests of all complete entries of a kind, the most recently used first.
    func manifests(_ kind: Kind) -> [CacheEntryManifest] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(kind.rawValue)")) ?? []
        return names.filter { $0.hasSuffix(".json") }.map { "\(directory)/\(kind.rawValue)/\($0)" }
            .map { (path: $0, time: modificationTime(of: $0)) }.sorted { ($1.time, $0.path) < ($0.time, $1.path) }
            .compactMap { CacheEntryManifest.read($0.path) }
    }
}

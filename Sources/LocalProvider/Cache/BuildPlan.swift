import FoundationEssentials
import Provisioning
import Sandbox
import Workbench

/// What a build would take from the cache, what it would do, and why.
package struct BuildPlan: Sendable {
    package enum State: String, Sendable {
        /// The images of an earlier build are up to date, so that a build does nothing.
        case upToDate = "up to date"
        case cached
        /// In the machine that was kept after a failure, with which the build goes on.
        case kept
        case build
        /// Only root can see whether it is cached.
        case unknown
    }

    /// A stage, or a part of one that has a cache entry of its own.
    package struct Part: Sendable, Equatable {
        package var stage: Stage
        /// The base system or the roles; empty for a stage without parts.
        package var name: String
        package var state: State
        /// What differs from the entry that was used last: `pins.yaml changed`. Empty if nothing is known.
        package var changes: [String]
        /// The asset id whose build used that entry.
        package var comparedWith: String?
        /// How long it took to make that entry.
        package var seconds: Double?
    }

    package var parts: [Part]
    /// What a person has to know besides.
    package var notes: [String] = []
    /// Why a build would be refused; `nil` if it would begin.
    package var obstacle: Failure?

    /// Whether the cache can be read by another user only, so that the plan does not tell what a build takes from it.
    package var isIncomplete: Bool { parts.contains { $0.state == .unknown } }

    /// Whether a build would begin, and install something.
    package var installs: Bool {
        obstacle == nil && parts.contains { $0.stage == .install && ($0.state == .build || $0.state == .unknown) }
    }

    /// Whether a build would do nothing.
    package var isFinished: Bool { parts.allSatisfy { $0.state == .upToDate } }
}

extension LocalMachineFactory {
    /// Compares a plan with the manifests of the cache. Reads no trees and takes no locks, so that it is quick; a build may
    /// still find that an entry is damaged. What is in a cache that this user cannot read is unknown.
    /// - Parameters:
    ///   - stages: the stages after the installation, which are never cached.
    ///   - upToDate: the stages that a build skips, because published images have their results.
    ///   - kept: the machine with which the build goes on, and when it was kept; `nil` for a new one.
    func plan(
        _ plan: MachinePlan, steps: [PlaybookStep], then stages: [Stage], upToDate: Set<Stage>,
        goingOnWith kept: (machine: BuildRecord.Machine, since: String)? = nil
    ) -> BuildPlan {
        var parts: [BuildPlan.Part] = []
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let bases = cache.manifests(.base).map { ($0, $0.inputs) }
        parts.append(
            part(
                .setup, "base system \(plan.base.distribution) \(plan.base.suite)", .base, recipe.key, recipe.inputs,
                bases, in: plan))
        let layers = cache.manifests(.layers).compactMap { manifest in manifest.parts.map { (manifest, $0) } }
        var told: Set<String> = []
        for ((step, key), made) in zip(zip(steps, plan.layerKeys(above: recipe.key)), plan.parts) {
            let roles = step.roles.joined(separator: ", ")
            let same = layers.filter { manifest, _ in manifest.inputs["roles"] == roles }
            var part = part(.install, roles, .layers, key, made, same, in: plan)
            // The inputs of a step include those of the steps before.
            part.changes.removeAll { !told.insert($0).inserted }
            parts.append(part)
        }
        parts += stages.map { BuildPlan.Part(stage: $0, name: "", state: .build, changes: []) }
        let isReadable = cache.isReadable
        let isCached = parts.map { $0.state == .cached }
        for index in parts.indices {
            if upToDate.contains(parts[index].stage) {
                parts[index].state = .upToDate
            } else if !plan.usesCache || !isCached[...index].allSatisfy(\.self) {
                parts[index].state = plan.usesCache && !parts[index].name.isEmpty && !isReadable ? .unknown : .build
            }
        }
        guard let kept else { return BuildPlan(parts: parts) }
        let done = plan.stepsDone(in: kept.machine.trees)
        for index in 0...done { (parts[index].state, parts[index].changes) = (.kept, []) }
        var result = BuildPlan(parts: parts)
        result.notes = ["goes on with the machine that was kept after a failed build (\(kept.since))"]
        if done < kept.machine.trees.count - 1 { result.notes.append(Self.earlierStep(runningFrom: done)) }
        return result
    }

    /// Says why steps are run again on a machine that was kept.
    static func earlierStep(runningFrom done: Int) -> String {
        "an earlier step of the playbook has changed; running the playbook from step \(done + 1)"
    }

    /// One part, compared with the entry that the last build of the asset id used; if there is none, with the one that was
    /// used last by another, unless that has less than half in common.
    /// - Parameter entries: those for the same purpose, the most recently used first.
    private func part(
        _ stage: Stage, _ name: String, _ kind: ContentCache.Kind, _ key: String, _ inputs: [String: String],
        _ entries: [(manifest: CacheEntryManifest, inputs: [String: String])], in plan: MachinePlan
    ) -> BuildPlan.Part {
        if let own = entries.first(where: { $0.manifest.key == key }), fileExists(cache.tree(kind, key)) {
            let changes = plan.outsideChanges(since: own.manifest.reads)
            return BuildPlan.Part(
                stage: stage, name: name, state: changes.isEmpty ? .cached : .build, changes: changes,
                seconds: own.manifest.seconds)
        }
        let used = entries.filter { $0.manifest.lastUse(by: plan.assetID) != nil }
            .max { ($0.manifest.lastUse(by: plan.assetID) ?? 0) < ($1.manifest.lastUse(by: plan.assetID) ?? 0) }
        let similar = entries.first { 2 * changes(from: $0.inputs, to: inputs).count < inputs.count }
        guard let earlier = used ?? similar else {
            return BuildPlan.Part(stage: stage, name: name, state: .build, changes: [])
        }
        return BuildPlan.Part(
            stage: stage, name: name, state: .build, changes: changes(from: earlier.inputs, to: inputs),
            comparedWith: used == nil ? earlier.manifest.lastUser : plan.assetID.rawValue,
            seconds: earlier.manifest.seconds)
    }
}

extension LocalMachineFactory {
    /// What differs from the base system and the steps that the last build of the asset id used, even if what replaces
    /// them is cached; `nil` if the cache does not have all of those.
    func changesSinceLastBuild(_ plan: MachinePlan) -> [String]? {
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let layers = cache.manifests(.layers)
        var compared = [
            (key: recipe.key, inputs: recipe.inputs, before: cache.manifests(.base).map { ($0, $0.inputs) })
        ]
        for ((key, parts), roles) in zip(zip(plan.layerKeys(above: recipe.key), plan.parts), plan.roles) {
            let same = layers.filter { $0.inputs["roles"] == roles.joined(separator: ", ") }
            compared.append((key, parts, same.map { ($0, $0.parts ?? [:]) }))
        }
        var found: [String] = []
        for (key, inputs, before) in compared {
            guard
                let used = before.filter({ $0.0.lastUse(by: plan.assetID) != nil })
                    .max(by: { ($0.0.lastUse(by: plan.assetID) ?? 0) < ($1.0.lastUse(by: plan.assetID) ?? 0) })
            else { return nil }
            if used.0.key != key { found += changes(from: used.1, to: inputs).filter { !found.contains($0) } }
        }
        return found
    }
}

extension CacheEntryManifest {
    fileprivate func lastUse(by assetID: AssetID) -> Double? { usedBy?[assetID.rawValue] }

    /// The asset id whose build used the entry last, or made it.
    fileprivate var lastUser: String? {
        usedBy?.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? inputs["asset id"]
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

extension MachinePlan {
    /// What differs in the files outside of the playbook's folder that were read for a tree, see `OutsideFiles`.
    func outsideChanges(since reads: [String: String]?) -> [String] {
        let now = OutsideFiles.digests(of: (reads ?? [:]).keys, from: playbookFolder)
        return changes(
            from: OutsideFiles.named(reads ?? [:], from: playbookFolder),
            to: OutsideFiles.named(now, from: playbookFolder))
    }

    func isCurrent(_ reads: [String: String]?) -> Bool { outsideChanges(since: reads).isEmpty }
}

extension LocalMachineFactory {
    /// The inputs of an order. An earlier build of them has recorded which files outside of the playbook's folder count.
    package func inputs(of order: BuildOrder) throws -> BuildInputs {
        var inputs = try BuildInputs(order)
        let plan = MachinePlan(order, inputs)
        let base = BaseRecipe(plan.base, profile: plan.profile, host: host).key
        let layer = plan.layerKeys(above: base).last.flatMap { CacheEntryManifest.read(cache.manifest(.layers, $0)) }
        inputs.outside = OutsideFiles.digests(of: (layer?.reads ?? [:]).keys, from: plan.playbookFolder)
        return inputs
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

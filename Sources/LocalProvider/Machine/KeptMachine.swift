import FoundationEssentials
import Sandbox
import Workbench

/// Machines that `--keep-on-failure` keeps. A kept machine has no running build: its record says that it is kept, and a
/// process holds its cache entries, so that it stays until its user resumes or removes it.
extension LocalMachineFactory {
    /// Boots the machine that was kept for the plan's asset id again, on the changes that it has, and goes on with the
    /// first step that it does not have as the plan has it now.
    /// - Throws: `Failure(.badData)` if no machine was kept, or none that this plan can go on with.
    package func resume(_ plan: MachinePlan, in scope: Scope) async throws -> LocalMachine {
        try requireRoot()
        return try await explaining("cannot resume the build") {
            let (build, kept) = try await reopen(plan.assetID, for: plan, in: scope)
            let done = plan.stepsDone(in: kept.trees)
            if done < kept.trees.count - 1 {
                scope.notice(Self.earlierStep(runningFrom: done))
            }
            var machine = try await start(plan, build, on: kept.trees, in: scope)
            machine.resumedAfter = done
            return machine
        }
    }

    /// The machine that was kept for an asset id, and when.
    /// - Parameter plan: what goes on with it; `nil` if its user only looks into it.
    /// - Throws: `Failure(.badData)` if no machine was kept, or none that the plan can go on with.
    func keptMachine(
        of assetID: AssetID, for plan: MachinePlan?
    ) throws -> (machine: BuildRecord.Machine, since: String) {
        let record = BuildRecord.read(resources(assetID).directory)
        guard let since = record?.kept, let machine = record?.machine else {
            throw Failure(
                .badData, "there is no machine of '\(assetID)' that was kept after a failed build",
                advice: "build it with: \(buildCommand(assetID, with: "--keep-on-failure"))")
        }
        guard let plan else { return (machine, since) }
        if let sandbox = plan.sandbox, let owner = machine.sandbox, owner != sandbox {
            throw Failure(
                .badData,
                "the machine of '\(assetID)' was kept by a build of '\(owner)', and this sandbox is '\(sandbox)'",
                advice: "go on with it from the folder of '\(owner)', or use another --asset-id")
        }
        let base = BaseRecipe(plan.base, profile: plan.profile, host: host).key
        guard machine.profile == plan.profile, machine.trees.first?.key == base else {
            throw Failure(
                .badData, "the machine of '\(assetID)' cannot be resumed: it has another base system",
                advice: "remove it with: \(remedy(assetID))")
        }
        return (machine, since)
    }

    /// Locks the asset id of a kept machine and stops the machine; its changes stay.
    func reopen(
        _ assetID: AssetID, for plan: MachinePlan? = nil, in scope: Scope
    ) async throws -> (Build, BuildRecord.Machine) {
        let parts = resources(assetID)
        var record = BuildRecord(assetID)
        let lock = try lock(parts, record)
        let (machine, since) = try keptMachine(of: assetID, for: plan)
        (record.machine, record.kept) = (machine, since)
        let build = await register(assetID, parts, record, lock, scope.undo)
        // Whatever happens from here on, the machine is kept until the build has succeeded.
        await scope.undo.replaceHints(keptHints(assetID, machine.profile))
        try hold(machine.trees, for: build)
        try await halt(parts)
        // The machine may have been kept by a version that did not record whose workspace it is.
        try parts.createWorkspace()
        let old = try FileManager.default.contentsOfDirectory(atPath: parts.directory)
        for file in old where file != BuildRecord.file { try await runner.run(.removeTree(build.path(file))) }
        try await runner.run(.removeTree("\(build.changes(above: machine.trees)).work"))
        try record.write(build.directory)
        return (build, machine)
    }

    /// Ends the processes of a kept machine and removes its mounts and its network.
    private func halt(_ parts: BuildResources) async throws {
        var left = await stopAll { parts.processes }.map { "process \($0.pid)" }
        left += try await unmount(parts.mounts)
        guard left.isEmpty else { throw Failure(.temporary, "the kept machine cannot be stopped", details: left) }
        if fileExists(parts.network.path) { try await runner.run(parts.network.delete) }
    }

    /// Records that a machine is kept, and releases its asset id.
    func recordKept(_ build: Build) async throws {
        guard var record = BuildRecord.read(build.directory), let machine = record.machine else { return }
        record.kept = record.kept ?? BuildRecord.now
        try record.write(build.directory)
        var keeper = Command.holding(entries(machine.trees).map { cache.lock($0.kind, $0.key) })
        keeper.environment = build.environment
        _ = try await runner.start(keeper, log: build.path("keeper.log"))
        build.close()
    }

    /// Takes shared locks on the cache entries below a kept machine.
    private func hold(_ trees: [CachedTree], for build: Build) throws {
        guard let missing = trees.first(where: { !fileExists($0.path) }) else {
            for (kind, key) in entries(trees) {
                guard let lock = try CacheEntryLock.attempt(cache.lock(kind, key), .shared, holder: build.holder) else {
                    throw Failure(
                        .temporary, "the cached \(kind.inWords) \(key) is in use by another build",
                        advice: "try again when that build has ended")
                }
                build.hold(lock)
            }
            return
        }
        throw Failure(
            .badData, "the kept machine of '\(build.assetID)' cannot be started: \(missing.path) is gone",
            advice: "remove the rest with: \(remedy(build.assetID))")
    }

    /// The complete cache entries among trees. An entry without a manifest may be replaced by the next build.
    private func entries(_ trees: [CachedTree]) -> [(kind: ContentCache.Kind, key: String)] {
        trees.enumerated().map { (kind: $0 == 0 ? .base : .layers, key: $1.key, path: $1.path) }
            .filter { $0.path == cache.tree($0.kind, $0.key) && fileExists(cache.manifest($0.kind, $0.key)) }
            .map { ($0.kind, $0.key) }
    }

    /// Writes down the machine that a build is about to boot.
    func note(_ machine: BuildRecord.Machine, of build: Build) throws {
        guard var record = BuildRecord.read(build.directory) else { return }
        record.machine = machine
        try record.write(build.directory)
    }

    /// What the user can do with a kept machine, one command a line.
    func hints(_ assetID: AssetID, _ profile: BaseProfile) -> [String] {
        let resume = "to go on with it: \(buildCommand(assetID, with: "--resume"))"
        // A release is built from scratch.
        let isResumable = profile != .container && !typed.contains("--release")
        return ["to look into it: sudo dss shell \(shellQuoted(assetID.rawValue))"] + (isResumable ? [resume] : [])
            + ["to remove it: \(remedy(assetID))"]
    }

    /// Hints for a machine that is kept after a failure.
    package func hints(_ machine: LocalMachine) -> [String] {
        keptHints(machine.build.assetID, machine.plan.profile)
    }

    private func keptHints(_ assetID: AssetID, _ profile: BaseProfile) -> [String] {
        ["the machine was kept"] + hints(assetID, profile)
    }

    /// The command that builds an asset id, to copy and paste: the one that was typed, so that no option is lost, if it
    /// builds.
    /// - Parameters:
    ///   - flag: what the next run needs; flags that are about one run only are left out.
    ///   - formats: those to build if no command that builds was typed; empty for those of the definition.
    func buildCommand(_ assetID: AssetID, with flag: String? = nil, formats: [ImageFormat] = []) -> String {
        let ofOneRun: Set = ["--keep-on-failure", "--no-cache", "--plan", "--resume"]
        let words =
            typed.first == "create-vm"
            ? typed.filter { !ofOneRun.contains($0) }
            : ["create-vm", "--asset-id", assetID.rawValue] + formats.flatMap { ["--format", $0.rawValue] }
        return "sudo dss " + (words + [flag].compactMap(\.self)).map(shellQuoted).joined(separator: " ")
    }
}

extension LocalMachine {
    var isResumed: Bool { resumedAfter != nil }
}

extension MachinePlan {
    /// The number of leading steps that cached trees contain exactly as the plan has them.
    func stepsDone(in trees: [CachedTree]) -> Int {
        guard let base = trees.first else { return 0 }
        return zip(trees.dropFirst(), layerKeys(above: base.key)).prefix { $0.key == $1 && isCurrent($0.reads) }.count
    }
}

extension Command {
    /// Sleeps with shared locks on files until it is killed.
    static func holding(_ locks: [String]) -> Command {
        let words = locks.flatMap { ["flock", "--shared", "--no-fork", $0] } + ["sleep", "infinity"]
        return Command(words[0], Array(words.dropFirst()))
    }
}

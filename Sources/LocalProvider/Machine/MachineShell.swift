import Glibc
import Sandbox
import Workbench

/// A shell as root in a machine, for a person who wants to see what a build has made of it.
extension LocalMachineFactory {
    /// Runs a command in the machine that was kept for an asset id, or a login shell if the command is empty. A machine
    /// that no longer runs is booted again.
    /// - Returns: how the command ended; `nil` if no machine was kept.
    /// - Throws: `Failure(.temporary)` if a build uses the machine.
    package func shell(_ command: [String], inKept assetID: AssetID, isTerminal: Bool) async throws -> ExitStatus? {
        let parts = resources(assetID)
        guard let record = BuildRecord.read(parts.directory), record.kept != nil, record.machine != nil else {
            return nil
        }
        if parts.machines.isEmpty {
            try await Scope.run(keepsOnSuccess: true, keepsOnFailure: true) { scope in
                try await explaining("cannot start the kept machine") {
                    let (build, machine) = try await reopen(assetID, in: scope)
                    let plan = MachinePlan(
                        assetID: assetID, sandbox: machine.sandbox, base: machine.base ?? .init(),
                        profile: machine.profile,
                        reachesHost: machine.reachesHost)
                    _ = try await start(plan, build, on: machine.trees, in: scope)
                }
            }
        } else if parts.heldLock != nil {
            throw Failure(.temporary, "the kept machine of '\(assetID)' is in use by a build", advice: "wait for it")
        }
        return try await runner.attach(
            .shell(config: "\(parts.directory)/ssh_config", alias: parts.name, command, isTerminal: isTerminal))
    }

    /// Runs a command, or a login shell, in a new machine that has everything which a plan installs. The machine comes
    /// from the cache and is removed at the end.
    /// - Parameter images: the finished build.
    /// - Throws: `Failure(.badData)` if the cache does not have the result of the last step.
    package func shell(
        _ command: [String], inCopyOf plan: MachinePlan, of images: Manifest, isTerminal: Bool,
        events: @escaping EventSink
    ) async throws -> ExitStatus {
        try requireRoot()
        let purpose = "shell \(getpid())"
        return try await finally {
            try await Scope.run(events: events) { scope in
                try await explaining("cannot start a copy of the machine") {
                    let build = try await open(plan.assetID, for: purpose, in: scope)
                    let trees = try await cachedTrees(of: plan, images, for: build, events: events)
                    let machine = try await start(plan, build, on: trees, in: scope)
                    scope.notice("a copy of the machine after its last step, before it is sealed; removed at the end")
                    return try await runner.attach(
                        .shell(
                            config: machine.endpoint.configFile, alias: machine.endpoint.alias, command,
                            isTerminal: isTerminal))
                }
            }
        } cleanup: {
            // No other process waits for locks that are named after this one.
            let parts = resources(plan.assetID, for: purpose)
            for lock in [parts.lock, parts.sharedLock] { try? removeFile(lock) }
        }
    }

    private func cachedTrees(
        of plan: MachinePlan, _ images: Manifest, for build: Build, events: @escaping EventSink
    ) async throws -> [CachedTree] {
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        let key = BaseRecipe(plan.base, profile: plan.profile, host: host).key
        if let base = try await access.find(.base, key) {
            let trees = [base] + (try await layers(plan, on: base, for: build, events: events))
            if trees.count == plan.steps.count + 1 { return trees }
        }
        throw notCached(plan, images)
    }

    /// Says why the machine of a finished build is not in the cache, as far as that is known.
    func notCached(_ plan: MachinePlan, _ images: Manifest) -> Failure {
        let advice = "build it again with: \(buildCommand(plan.assetID, formats: images.files.map(\.format)))"
        if images.inputs == nil {
            return Failure(
                .badData, "the machine of '\(plan.assetID)' is not in the cache",
                details: ["its build went on with a machine that was kept after a failure, which is never cached"],
                advice: advice)
        }
        let steps = plan.roles.enumerated().map { PlaybookStep(index: $0, roles: $1) }
        let changes = self.plan(plan, steps: steps, then: [], upToDate: []).parts.flatMap(\.changes)
        if changes.isEmpty {
            return Failure(
                .badData, "the machine of '\(plan.assetID)' is not in the cache",
                details: ["the cache was pruned since the build, or is that of another folder or host"], advice: advice)
        }
        return Failure(
            .badData,
            "the inputs of '\(plan.assetID)' have changed since the build, and its machine as they are now "
                + "is not in the cache",
            details: changes.prefix(5) + (changes.count > 5 ? ["\(changes.count - 5) more changes"] : []),
            advice: advice)
    }
}

extension Command {
    /// Runs a command on a host, or a login shell. The connection is not shared, because the process that would hold a
    /// shared one would also hold this command's output open.
    static func shell(config: String, alias: String, _ words: [String], isTerminal: Bool) -> Command {
        let line = words.map(shellQuoted).joined(separator: " ")
        return Command(
            "ssh",
            ["-F", config, "-o", "ControlMaster=no", "-o", "ControlPath=none"] + (isTerminal ? ["-t"] : []) + [alias]
                + (words.isEmpty ? [] : [line]))
    }
}

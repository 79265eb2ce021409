import Glibc
import Sandbox
import Workbench

extension LocalMachineFactory {
    /// The base system of a plan: from the cache, or made and put there.
    package func base(_ plan: MachinePlan, for build: Build, events: @escaping EventSink) async throws -> CachedTree {
        let recipe = BaseRecipe(plan.base, profile: plan.profile, host: host)
        let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
        let make = { try await makeBase(recipe, for: build, isVerbose: plan.isVerbose, events: events) }
        guard plan.usesCache else {
            let (tree, needsSeal) = try await access.place(try await make(), .base, recipe.key)
            if needsSeal { try await access.seal(.base, recipe.key, inputs: recipe.inputs, missing: []) }
            return tree
        }
        return try await access.obtain(.base, recipe.key, inputs: recipe.inputs, make: make)
    }

    /// - Returns: the path of the new tree.
    private func makeBase(
        _ recipe: BaseRecipe, for build: Build, isVerbose: Bool, events: @escaping EventSink
    ) async throws -> String {
        let files = build.path("base")
        try makeDirectory(files)
        for (name, text) in recipe.files {
            try writeAtomically(text, to: "\(files)/\(name)", mode: name.hasSuffix(".sh") ? 0o755 : 0o644)
        }
        if let sources = recipe.buildSources() { try writeAtomically(sources, to: "\(files)/build.sources") }
        let target = "\(build.workspace)/base"
        try makeDirectory(target)
        let command = recipe.mmdebstrap(
            target: target, files: files, proxies: host.aptProxies, environment: build.environment)
        let log = BaseLog(events: events, isVerbose: isVerbose)
        let output = try await finally {
            try await runner.execute(command) { _, line in log.take(line) }
        } cleanup: {
            // Cancelled or failed: neither processes nor mounts of it may stay.
            let parts = BuildParts(name: build.name, in: self)
            _ = await stopAll { parts.otherProcesses }
            _ = try? await unmount(MountTable.current.below(target))
        }
        try Task.checkCancellation()
        guard output.status.isSuccess else {
            throw baseFailure(CommandFailure(command, output), recipe, output: log.lines, target: target)
        }
        return target
    }

    private func baseFailure(
        _ failure: CommandFailure, _ recipe: BaseRecipe, output: [String], target: String
    ) -> Failure {
        let what = "the base system \(recipe.system.distribution.rawValue) \(recipe.system.suite) could not be made"
        if isFull(target) || output.contains(where: { $0.contains("No space left on device") }) {
            return diskFull(what)
        }
        let reasons = output.filter { line in
            ["E: ", "Err:", "W: Failed"].contains(where: line.hasPrefix) || line.hasPrefix("  ")
        }
        let isFetching = output.contains { $0.hasPrefix("Err:") || $0.contains("Failed to fetch") }
        if isFetching {
            return Failure(
                .unavailable, "\(what): its packages cannot be loaded", details: Array(reasons.suffix(12)),
                advice: "check the network and base.mirror in sandbox.yaml (now \(recipe.system.mirror))")
        }
        return Failure(
            .failed, what, details: Array(output.suffix(20)), advice: "to run it again: \(failure.command.shellLine)")
    }

    func diskFull(_ what: String) -> Failure {
        Failure(
            .temporary, "\(what): the disk of \(cache.directory) is full",
            advice: "make room there, or choose another place for the cache; a build needs about 5 GiB")
    }

    /// Less than 16 MiB left for others than root's reserve.
    func isFull(_ path: String) -> Bool {
        freeBytes(on: path).map { $0 < 16 << 20 } ?? false
    }
}

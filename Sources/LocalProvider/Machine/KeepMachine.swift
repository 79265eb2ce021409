import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Caches the state after the next step of the plan as a layer and continues on top of it.
    ///
    /// The machine is restarted even after the last step, so that the changes of the seal stage go above the layer and
    /// not into it.
    /// - Returns: the restarted machine; a resumed machine just as it is.
    package func keep(
        _ machine: LocalMachine, _ installed: InstalledStep, events: @escaping EventSink
    ) async throws -> LocalMachine {
        if machine.isResumed { return machine }
        return try await explaining("cannot cache the step") {
            let (layer, isIncomplete) = try await moveIntoCache(machine, installed, events: events)
            // The layer does not change any more, so its entry is completed while the machine boots on it.
            async let completed: Void = complete(layer, isIncomplete, machine, events)
            let trees = machine.trees + [layer]
            let next = try await boot(machine.plan, machine.build, on: trees, events)
            try await completed
            return next
        }
    }

    /// Caches the state after the last step of a plan if the machine is not needed any more.
    /// - Returns: the layer.
    package func keepLast(
        _ machine: LocalMachine, _ installed: InstalledStep, events: @escaping EventSink
    ) async throws -> CachedTree {
        try await explaining("cannot cache the step") {
            let (layer, isIncomplete) = try await moveIntoCache(machine, installed, events: events)
            try await complete(layer, isIncomplete, machine, events)
            return layer
        }
    }

    /// Powers the machine off and moves its changes into the cache.
    private func moveIntoCache(
        _ machine: LocalMachine, _ installed: InstalledStep, events: @escaping EventSink
    ) async throws -> (layer: CachedTree, isIncomplete: Bool) {
        let steps = machine.plan.steps
        guard machine.stepsDone < steps.count else { throw Failure(.bug, "more steps cached than the plan has") }
        events(.progress(.install, Progress("caching step \(machine.stepsDone + 1) of \(steps.count)")))
        try await powerOff(machine)
        let key = layerKey(below: machine.trees.last!.key, step: steps[machine.stepsDone])
        var (layer, isIncomplete) = try await access(machine, events)
            .place(machine.changes, .layers, key)
        layer.missing = installed.missing
        layer.reads = (machine.trees.last!.reads ?? [:]).merging(installed.reads) { before, _ in before }
        return (layer, isIncomplete)
    }

    private func access(_ machine: LocalMachine, _ events: @escaping EventSink) -> CacheAccess {
        CacheAccess(cache: cache, runner: runner, build: machine.build, events: events)
    }

    /// Writes the manifest of the entry, unless the layer is not in the cache.
    private func complete(
        _ layer: CachedTree, _ isIncomplete: Bool, _ machine: LocalMachine, _ events: @escaping EventSink
    ) async throws {
        guard isIncomplete else { return }
        let plan = machine.plan
        var inputs = [
            "below": machine.trees.last!.key, "step": plan.steps[machine.stepsDone],
            "asset id": plan.assetID.rawValue,
        ]
        if machine.stepsDone < plan.roles.count {
            inputs["roles"] = plan.roles[machine.stepsDone].joined(separator: ", ")
        }
        let parts = plan.parts
        try await access(machine, events).complete(
            .layers, layer.key, inputs: inputs, missing: layer.missing,
            parts: parts.indices.contains(machine.stepsDone) ? parts[machine.stepsDone] : nil, reads: layer.reads,
            started: machine.started)
    }

    /// Shuts the machine down.
    /// - Returns: the path of its root, which is readable until the undo runs.
    package func halt(_ machine: LocalMachine, events: @escaping EventSink) async throws -> String {
        try await explaining("cannot stop the machine") {
            events(.progress(.capture, Progress("stopping the machine")))
            try await powerOff(machine)
            let build = machine.build
            try makeDirectory(build.sealedRoot)
            let lower = machine.trees.map(\.path) + [machine.changes]
            try await runner.run(Overlay(lower: lower, upper: nil, target: build.sealedRoot).mount)
            return build.sealedRoot
        }
    }

    /// Powers the machine off and unmounts its root.
    private func powerOff(_ machine: LocalMachine) async throws {
        // Otherwise the shared connection would look alive for a moment after the machine is off.
        let endpoint = machine.endpoint
        _ = try await runner.execute(Command("ssh", ["-F", endpoint.configFile, "-O", "exit", endpoint.alias]))
        // systemd-nspawn forwards it as its kill signal.
        machine.process.signal(15)
        if await !machine.process.ended(within: .seconds(20)) {
            let parts = BuildResources(name: machine.name, in: self)
            _ = await stopAll { parts.machineProcesses }
        }
        try Task.checkCancellation()
        try await runner.run(Command("umount", [machine.build.root]))
        try await runner.run(.removeTree("\(machine.changes).work"))
    }
}

import Sandbox
import Workbench

extension LocalMachineFactory {
    /// Keeps the state after the next step of the plan as a layer of the cache and goes on from there.
    ///
    /// The machine is restarted, after the last step too: what the seal changes then lands above the layer and not in it.
    package func keep(
        _ machine: LocalMachine, missing: [MissingComponent], events: @escaping EventSink
    ) async throws -> LocalMachine {
        let plan = machine.plan
        let build = machine.build
        guard machine.stepsDone < plan.steps.count else {
            throw Failure(.bug, "more steps are kept than the plan has")
        }
        return try await explaining("the step could not be kept") {
            events(.progress(.install, Progress("keeping step \(machine.stepsDone + 1) of \(plan.steps.count)")))
            try await powerOff(machine)
            let key = layerKey(below: machine.trees.last!.key, step: plan.steps[machine.stepsDone])
            let access = CacheAccess(cache: cache, runner: runner, build: build, events: events)
            var (layer, needsSeal) = try await access.place(build.changes(machine.stepsDone), .layers, key)
            layer.missing = missing
            // The layer changes no more, so it is sealed while the machine boots on it.
            async let sealed: Void = seal(layer, needsSeal, machine, access)
            let next = try await boot(plan, build, on: machine.trees + [layer], undo: nil, events: events)
            try await sealed
            return next
        }
    }

    private func seal(_ layer: CachedTree, _ isNeeded: Bool, _ machine: LocalMachine, _ access: CacheAccess)
        async throws
    {
        guard isNeeded else { return }
        let inputs = [
            "below": machine.trees.last!.key, "step": machine.plan.steps[machine.stepsDone],
            "asset id": machine.plan.assetID.rawValue,
        ]
        try await access.seal(.layers, layer.key, inputs: inputs, missing: layer.missing)
    }

    /// Shuts the machine down; its root is readable below the returned path until the undo runs.
    package func halt(_ machine: LocalMachine, events: @escaping EventSink) async throws -> String {
        try await explaining("the machine could not be stopped") {
            events(.progress(.capture, Progress("stopping the machine")))
            try await powerOff(machine)
            let build = machine.build
            try makeDirectory(build.sealedRoot)
            let lower = machine.trees.map(\.path) + [build.changes(machine.stepsDone)]
            try await runner.run(Overlay(lower: lower, upper: nil, target: build.sealedRoot).mount)
            return build.sealedRoot
        }
    }

    /// Powers the machine off and takes its root apart.
    private func powerOff(_ machine: LocalMachine) async throws {
        // The shared connection would look alive for a moment after the machine has gone.
        let endpoint = machine.endpoint
        _ = try await runner.execute(Command("ssh", ["-F", endpoint.configFile, "-O", "exit", endpoint.alias]))
        // nspawn passes it on as its kill signal.
        machine.process.signal(15)
        if await !machine.process.ended(within: .seconds(20)) {
            let parts = BuildParts(name: machine.name, in: self)
            _ = await stopAll { parts.machineProcesses }
        }
        try Task.checkCancellation()
        try await runner.run(Command("umount", [machine.build.root]))
        try await runner.run(.removeTree("\(machine.build.changes(machine.stepsDone)).work"))
    }
}

import Provisioning
import Sandbox
import Workbench

/// Runs the stages that build one Docker image.
struct ImageBuilder<Installer: Provisioner>: Sendable {
    var order: DockerOrder
    var factory: LocalMachineFactory
    var provisioner: Installer
    var scope: Scope
    var log: StageLog

    func build(in folder: AssetFolder<DirectoryStore>) async throws -> Manifest.Container {
        let (build, trees) = try await log.run(.setup) { (try await setUp(), .done) }
        let store = LayerStore(
            runner: factory.runner, workspace: build.workspace, compression: order.compression,
            usesCache: order.build.usesCache)
        let compressor = LayerCompressor(store, events: scope.events)
        return try await finally {
            let system = try await log.run(.install) { try await install(in: build, on: trees, compressor) }
            return try await log.run(.export) {
                try await folder.prepare(in: scope)
                return (try await write(try await compressor.layers(), of: system, to: folder), .done)
            }
        } cleanup: {
            await compressor.stop()
        }
    }

    /// Claims the asset id and returns the cached trees, which include at least the base.
    private func setUp() async throws -> (Build, [CachedTree]) {
        let build = try await factory.open(order.build.assetID, in: scope)
        let base = try await factory.base(order.plan, for: build, events: scope.events)
        return (build, [base] + (try await factory.layers(order.plan, on: base, for: build, events: scope.events)))
    }

    /// Runs the steps that are not in the cache; the tree of each step goes to the compressor as soon as it is kept.
    /// - Returns: the tree of the last step.
    private func install(
        in build: Build, on known: [CachedTree], _ compressor: LayerCompressor
    ) async throws -> (CachedTree, StageOutcome) {
        let names = order.layerNames
        for (tree, name) in zip(known, names) { await compressor.add(tree, named: name) }
        let steps = order.build.definition.playbook.steps.dropFirst(known.count - 1)
        var last = known.last!
        if !steps.isEmpty {
            var machine = try await factory.start(order.plan, build, on: known, in: scope)
            await scope.undo.replaceHints(factory.hints(machine))
            for step in steps {
                let installed = try await provisioner.install(
                    step, on: ReproducibleMachine(machine: machine), in: BuildContext(order.build, scope))
                let name = names[machine.stepsDone + 1]
                if machine.stepsDone + 1 == order.plan.steps.count {
                    last = try await factory.keepLast(machine, installed, events: scope.events)
                } else {
                    machine = try await factory.keep(machine, installed, events: scope.events)
                    last = machine.trees.last!
                }
                await compressor.add(last, named: name)
            }
        }
        for part in last.missing { scope.events(.lacking(part)) }
        return (last, steps.isEmpty ? .cached : .done)
    }

    private func write(
        _ layers: [Layer], of system: CachedTree, to folder: AssetFolder<DirectoryStore>
    ) async throws -> Manifest.Container {
        var order = order
        order.buildInputs.outside = system.reads ?? [:]
        let names = order.layerNames
        let configuration = ImageConfiguration(order, layers: layers, names: names)
        let digest = try folder.unfinishedLayout.write(configuration, layers: layers, tag: order.version)
        let parts = zip(names, layers).map { Manifest.Container.Layer(name: $0, digest: $1.digest, bytes: $1.bytes) }
        let definition = order.build.definition
        let container = Manifest.Container(
            reference: order.reference, digest: digest, layers: parts, missing: system.missing,
            user: definition.user.name, jupyterPort: definition.ports.jupyter, inputs: order.inputs)
        try await folder.publish(container, of: order)
        try await factory.removeLogs(of: order.build.assetID)
        return container
    }
}

/// A build machine whose environment makes its tools produce the same files in every build.
private struct ReproducibleMachine: BuildMachine {
    var machine: LocalMachine
    var endpoint: SSHEndpoint { machine.endpoint }
    var stepsDone: Int { machine.stepsDone }
    var missing: [MissingComponent] { machine.missing }
    var privateVariables: [String] { machine.privateVariables }
    var buildEnvironment: [String: String] {
        machine.buildEnvironment.merging(Reproducible.environment) { $1 }
    }
}

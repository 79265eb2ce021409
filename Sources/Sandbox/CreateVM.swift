/// Builds a sandbox: setup → install → seal → capture → export → clean up.
///
/// Clean-up always runs, also after an error, Ctrl-C or SIGTERM. The error names all resources that could not be
/// removed.
package func createVM<Provider: VMProvider>(
    _ order: BuildOrder, on provider: Provider, with provisioner: some Provisioner, events: @escaping EventSink,
    clock: any Clock<Duration> = ContinuousClock()
) async throws -> BuildReport {
    let timeline = Timeline(Stopwatch(clock))
    let events = timeline.observing(events)
    events(.buildStarted(assetID: order.assetID, provider: provider.name))
    let log = StageLog(events: events, clock: clock)
    let earlier = order.usesEarlierSystem ? try await provider.finished(order) : nil
    if earlier == nil { try await provider.requireBuildable(order) }
    if let note = earlier?.note { events(.notice(note)) }
    let finished =
        if let earlier { earlier } else {
            try await Scope.run(keepsOnFailure: order.keepsMachineOnFailure, log: log, events: events) {
                let build = BuildContext(order, $0)
                return try await VMBuild(build: build, provider: provider, provisioner: provisioner, log: log).run()
            }
        }
    let artifacts = finished.artifacts.putting(first: order.definition.formats)
    for artifact in artifacts { events(.artifact(artifact)) }
    var report = BuildReport(
        assetID: order.assetID, provider: provider.name, user: order.definition.user.name,
        jupyterPort: order.definition.ports.jupyter)
    report.artifacts = artifacts
    report.missing = finished.missing
    report.machineImage = finished.machineImage
    report.stages = await log.times
    report.activities = timeline.activities
    return report
}

extension [Artifact] {
    /// The images that were asked for, followed by those that are published besides.
    fileprivate func putting(first formats: [ImageFormat]) -> [Artifact] {
        formats.flatMap { format in filter { $0.format == format } } + filter { !formats.contains($0.format) }
    }
}

/// The stages of one build.
private struct VMBuild<Provider: VMProvider, Installer: Provisioner>: Sendable {
    let build: BuildContext
    let provider: Provider
    let provisioner: Installer
    let log: StageLog

    func run() async throws -> FinishedBuild {
        let captured = try await capturedEarlier()
        let system = if let captured { captured } else { try await newSystem() }
        return FinishedBuild(
            artifacts: try await export(system), missing: system.missing,
            machineImage: provider.machineImage(system.image))
    }

    private func newSystem() async throws -> Captured<Provider.Image> {
        let started = try await setUp()
        let (machine, missing) = try await install(on: started)
        try await seal(machine)
        return Captured(try await capture(machine, missing), missing: missing)
    }

    /// The system that an earlier run captured, if the provider has kept it.
    private func capturedEarlier() async throws -> Captured<Provider.Image>? {
        guard build.order.usesEarlierSystem, let captured = try await provider.captured(in: build) else { return nil }
        for stage in [Stage.setup, .install, .seal, .capture] { try await log.run(stage) { ((), .cached) } }
        return captured
    }

    private func setUp() async throws -> Provider.Machine {
        let machine = try await log.run(.setup) { (try await provider.setUp(build), .done) }
        await build.scope.undo.replaceHints(provider.hintsOnKept(machine, of: build.order))
        return machine
    }

    /// Runs the playbook steps whose result the machine does not have yet and keeps the result of each step.
    private func install(on started: Provider.Machine) async throws -> (Provider.Machine, [MissingComponent]) {
        try await log.run(.install) {
            var (machine, missing) = (started, started.missing)
            let steps = machine.isSealed ? [] : build.definition.playbook.steps.dropFirst(machine.stepsDone)
            for step in steps {
                let installed = try await provisioner.install(step, on: machine, in: build)
                missing = installed.missing
                machine = try await provider.keep(machine, after: step, installed, in: build)
            }
            for part in missing { build.scope.events(.lacking(part)) }
            return ((machine, missing), steps.isEmpty ? .cached : .done)
        }
    }

    private func seal(_ machine: Provider.Machine) async throws {
        try await log.run(.seal) {
            if machine.isSealed { return ((), .cached) }
            try await provisioner.seal(machine, in: build)
            if let password = build.order.password?.generated {
                build.scope.events(.passwordSet(user: build.definition.user.name, password))
            }
            return ((), .done)
        }
    }

    private func capture(_ machine: Provider.Machine, _ missing: [MissingComponent]) async throws -> Provider.Image {
        try await log.run(.capture) { (try await provider.capture(machine, missing: missing, in: build), .done) }
    }

    private func export(_ system: Captured<Provider.Image>) async throws -> [Artifact] {
        try await log.run(.export) {
            (try await provider.export(system.image, missing: system.missing, in: build), .done)
        }
    }
}

/// The main job: setup → install → seal → capture → export → clean up.
///
/// Whatever ends it — an error, Ctrl-C, SIGTERM — clean-up runs, and what it could not remove is named in the error.
package func createVM<Provider: VMProvider>(
    _ order: BuildOrder, on provider: Provider, with provisioner: some Provisioner, events: @escaping EventSink,
    clock: any Clock<Duration> = ContinuousClock()
) async throws -> BuildReport {
    let timeline = Timeline(Stopwatch(clock))
    let events = timeline.observing(events)
    events(.buildStarted(assetID: order.assetID, provider: provider.name))
    let log = StageLog(events: events, clock: clock)
    var report = BuildReport(
        assetID: order.assetID, provider: provider.name, user: order.definition.user.name,
        jupyterPort: order.definition.ports.jupyter)

    if order.usesCache, let finished = try await provider.finished(order) {
        report.artifacts = finished.artifacts
        report.missing = finished.missing
        report.machineImage = finished.machineImage
        for artifact in finished.artifacts { events(.artifact(artifact)) }
        return report
    }

    (report.machineImage, report.artifacts, report.missing) = try await withCleanUp(order, log, events) { undo in
        let captured = try await image(of: order, on: provider, with: provisioner, undo, log, events)
        let artifacts = try await log.run(.export) {
            let made = try await provider.export(
                captured.image, of: order, missing: captured.missing, undo: undo, events: events)
            return (made, .done)
        }
        return (provider.machineImage(captured.image), artifacts, captured.missing)
    }
    for artifact in report.artifacts { events(.artifact(artifact)) }
    report.stages = await log.times
    report.activities = timeline.activities
    return report
}

/// The captured system: that of an earlier run where the provider has one, else a new one.
private func image<Provider: VMProvider>(
    of order: BuildOrder, on provider: Provider, with provisioner: some Provisioner, _ undo: Undo, _ log: StageLog,
    _ events: @escaping EventSink
) async throws -> Captured<Provider.Image> {
    if order.usesCache, let captured = try await provider.captured(order, undo: undo, events: events) {
        for stage in [Stage.setup, .install, .seal, .capture] { try await log.run(stage) { ((), .cached) } }
        return captured
    }
    var machine = try await log.run(.setup) {
        (try await provider.setUp(order, undo: undo, events: events), .done)
    }
    for hint in provider.hintsOnKept(machine, of: order) { await undo.remember(hint: hint) }
    var missing = machine.missing
    (machine, missing) = try await log.run(.install) { [machine, missing] in
        try await install(order, on: machine, missing, provider, provisioner, undo, events)
    }
    try await log.run(.seal) { [machine] in
        if machine.isSealed { return ((), .cached) }
        try await provisioner.seal(order, on: machine, events: events)
        return ((), .done)
    }
    let image = try await log.run(.capture) { [machine, missing] in
        let made = try await provider.capture(machine, of: order, missing: missing, undo: undo, events: events)
        return (made, .done)
    }
    return Captured(image, missing: missing)
}

/// Runs the steps of the playbook that the machine does not have yet, keeping the result of each.
private func install<Provider: VMProvider>(
    _ order: BuildOrder, on first: Provider.Machine, _ known: [MissingComponent], _ provider: Provider,
    _ provisioner: some Provisioner, _ undo: Undo, _ events: @escaping EventSink
) async throws -> ((Provider.Machine, [MissingComponent]), StageOutcome) {
    var machine = first
    var missing = known
    let steps = machine.isSealed ? [] : order.definition.playbook.steps.dropFirst(machine.stepsDone)
    for step in steps {
        missing = try await provisioner.install(step, of: order, on: machine, events: events)
        machine = try await provider.keep(machine, after: step, missing: missing, undo: undo, events: events)
    }
    for part in missing { events(.lacking(part)) }
    return ((machine, missing), steps.isEmpty ? .cached : .done)
}

/// Runs `body` and then all undo steps, in a task of their own so that a cancelled build still cleans up.
package func withCleanUp<Result: Sendable>(
    _ order: BuildOrder, _ log: StageLog, _ events: @escaping EventSink,
    _ body: (Undo) async throws -> Result
) async throws -> Result {
    let undo = Undo()
    do {
        let result = try await body(undo)
        let leftovers = try await cleanUp(undo, log)
        for leftover in leftovers { events(.warning(leftover)) }
        return result
    } catch {
        if order.keepsMachineOnFailure {
            for hint in await undo.forgetKept() { events(.notice(hint)) }
        }
        let leftovers = (try? await cleanUp(undo, log)) ?? []
        guard !leftovers.isEmpty else { throw error }
        throw LeftBehind(cause: error, leftovers: leftovers)
    }
}

private func cleanUp(_ undo: Undo, _ log: StageLog) async throws -> [String] {
    try await Task { try await log.run(.cleanUp) { (await undo.unwind(), .done) } }.value
}

/// An error together with the resources that clean-up could not remove after it.
package struct LeftBehind: Error {
    package var cause: any Error
    package var leftovers: [String]

    package init(cause: any Error, leftovers: [String]) {
        self.cause = cause
        self.leftovers = leftovers
    }
}

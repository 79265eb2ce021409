import LocalMachine
import Sandbox
import Workbench

/// The Docker edition: setup → install → export → clean up, without a Docker daemon.
///
/// The trees that the steps of the playbook leave are the layers of the image; what no image may carry is left out when
/// they are written, so there is nothing to seal.
package func createDockerImage(
    _ order: DockerOrder, in folder: DockerFolder, on factory: LocalMachineFactory,
    with provisioner: some Provisioner, events: @escaping EventSink, clock: any Clock<Duration> = ContinuousClock()
) async throws -> DockerReport {
    try order.build.definition.requireEntryPoint()
    let timeline = Timeline(Stopwatch(clock))
    let events = timeline.observing(events)
    events(.buildStarted(assetID: order.build.assetID, provider: "docker"))
    let log = StageLog(events: events, clock: clock)
    if order.build.usesCache, let record = await folder.finished(order) {
        return DockerReport(record: record, layout: folder.layout.directory)
    }
    let builder = ImageBuilder(order: order, factory: factory, provisioner: provisioner, events: events)
    let record = try await withCleanUp(order.build, log, events) { undo in
        try await builder.build(in: folder, undo, log)
    }
    return DockerReport(
        record: record, layout: folder.layout.directory, stages: await log.times, activities: timeline.activities)
}

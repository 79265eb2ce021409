import LocalMachine
import Sandbox

/// Makes layers beside the installation: while a later step runs, the trees of earlier ones are compressed.
actor LayerPress {
    private let store: LayerStore
    private var tasks: [Task<Layer, any Error>] = []
    private let events: EventSink

    init(_ store: LayerStore, events: @escaping EventSink) {
        self.store = store
        self.events = events
    }

    /// Begins with a tree; it must not change any more.
    func add(_ tree: CachedTree, named name: String) {
        tasks.append(
            Task { [store, events] in
                try await activity("layer \(name)", events) { try await store.layer(of: tree) }
            })
    }

    /// The layers of all trees in their order, when they are ready.
    func layers() async throws -> [Layer] {
        var layers: [Layer] = []
        for (index, task) in tasks.enumerated() {
            events(.progress(.export, Progress("compressing layer \(index + 1) of \(tasks.count)")))
            layers.append(
                try await withTaskCancellationHandler {
                    try await task.value
                } onCancel: {
                    task.cancel()
                })
        }
        return layers
    }

    /// Ends what still runs; its half-written files are gone then.
    func stop() async {
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }
}

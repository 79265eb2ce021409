import Foundation
import Synchronization

/// Something that happens once and that tests wait for, without polling.
package final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [UUID: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Lets all pass that wait, now and later.
    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for one in waiting { one.resume() }
    }

    /// - Throws: `CancellationError`, where the task is cancelled before the latch opens.
    package func wait() async throws {
        let id = UUID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isOpen: Bool? = state.withLock { state in
                    if state.isOpen { return true }
                    // A handler of a cancellation that came earlier has found nobody here.
                    if Task.isCancelled { return false }
                    state.waiting[id] = continuation
                    return nil
                }
                switch isOpen {
                case true?: continuation.resume()
                case false?: continuation.resume(throwing: CancellationError())
                case nil: break
                }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }
}

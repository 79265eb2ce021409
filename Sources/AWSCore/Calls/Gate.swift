import Synchronization

/// Lets at most so many through at the same time, the others in the order in which they came.
final class Gate: Sendable {
    private struct Queue {
        var free: Int
        var next = 0
        var waiting: [(ticket: Int, CheckedContinuation<Void, any Error>)] = []
        /// Tickets whose tasks were cancelled before they had begun to wait.
        var cancelled: Set<Int> = []
    }

    private let queue: Mutex<Queue>

    init(width: Int) {
        queue = Mutex(Queue(free: width))
    }

    /// - Throws: `CancellationError` where the task is cancelled while it waits.
    func pass<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let ticket: Int? = queue.withLock { queue in
            if queue.free > 0 {
                queue.free -= 1
                return nil
            }
            queue.next += 1
            return queue.next
        }
        guard let ticket else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(ticket, $0) }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func wait(_ ticket: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let outcome: Result<Void, CancellationError>? = queue.withLock { queue in
            if queue.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
            // Somebody may have left since the ticket was drawn.
            if queue.free > 0 {
                queue.free -= 1
                return .success(())
            }
            queue.waiting.append((ticket, continuation))
            return nil
        }
        if let outcome { continuation.resume(with: outcome.mapError { $0 as any Error }) }
    }

    private func cancel(_ ticket: Int) {
        let waiting = queue.withLock { queue -> CheckedContinuation<Void, any Error>? in
            guard let place = queue.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                queue.cancelled.insert(ticket)
                return nil
            }
            return queue.waiting.remove(at: place).1
        }
        waiting?.resume(throwing: CancellationError())
    }

    private func leave() {
        let next = queue.withLock { queue -> CheckedContinuation<Void, any Error>? in
            guard queue.waiting.isEmpty else { return queue.waiting.removeFirst().1 }
            queue.free += 1
            return nil
        }
        next?.resume()
    }
}

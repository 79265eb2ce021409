import AWSCore
import Sandbox
import Synchronization
import TestSupport

/// A line to AWS that counts what goes over it, and on which something can happen at a certain call.
final class InterceptedTransport: Transport {
    struct Dead: Error {}

    private struct State {
        var calls = 0
        var bytes = 0
        var isDead = false
    }

    private let line: any Transport
    private let state = Mutex(State())
    private let before: @Sendable (_ call: Int, HTTPRequest) async throws -> Void
    private let after: @Sendable (_ call: Int) -> Bool

    /// - Parameters:
    ///   - before: told of each call, counted from 1.
    ///   - after: whether the line breaks for good when that call has taken effect.
    init(
        _ line: any Transport, before: @escaping @Sendable (Int, HTTPRequest) async throws -> Void = { _, _ in },
        diesAfter after: @escaping @Sendable (Int) -> Bool = { _ in false }
    ) {
        self.line = line
        self.before = before
        self.after = after
    }

    var calls: Int { state.withLock { $0.calls } }
    /// Bodies, there and back.
    var bytes: Int { state.withLock { $0.bytes } }
    var isDead: Bool { state.withLock { $0.isDead } }

    func die() { state.withLock { $0.isDead = true } }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        guard !isDead else { throw TransportError(.notConnected, "the line is dead") }
        let call = state.withLock {
            $0.calls += 1
            $0.bytes += request.body.count
            return $0.calls
        }
        try await before(call, request)
        guard !isDead else { throw TransportError(.notConnected, "the line is dead") }
        let response = try await line.send(request, within: limit)
        state.withLock { $0.bytes += response.body.count }
        if after(call) {
            die()
            throw TransportError(.lost, "the line is dead")
        }
        return response
    }
}

extension InterceptedTransport {
    /// A line that breaks for good at a call: before it took effect, or afterwards.
    static func dying(_ line: any Transport, at call: Int, after: Bool) -> InterceptedTransport {
        if after { return InterceptedTransport(line, diesAfter: { $0 == call }) }
        let itself = Mutex<InterceptedTransport?>(nil)
        let dying = InterceptedTransport(line) { number, _ in
            if number == call { itself.withLock { $0 }?.die() }
        }
        itself.withLock { $0 = dying }
        return dying
    }
}

/// Cancels `body` when it makes that call.
/// - Returns: whether it was over before.
func cancelling<Result: Sendable>(
    _ line: any Transport, at call: Int, _ body: @escaping @Sendable (InterceptedTransport) async throws -> Result
) async throws -> Bool {
    let run = Mutex<Task<Result, any Error>?>(nil)
    let isKnown = Latch()
    let tapped = InterceptedTransport(line) { number, _ in
        if number == call { run.withLock { $0 }?.cancel() }
    }
    let task = Task {
        try await isKnown.wait()
        return try await body(tapped)
    }
    run.withLock { $0 = task }
    isKnown.open()
    _ = await task.result
    return tapped.calls < call
}

import AWSCore
import AWSTestSupport
import Foundation
import Synchronization
import Workbench

/// Time that jumps to the next wake-up as soon as nothing is under way: hours of waiting in seconds, and every wait is
/// as long as it would be.
///
/// The emulator's clock goes with it. What is under way are requests and commands; between them nothing may take longer
/// than a moment.
final class VirtualTime: Sendable {
    private struct Sleeper {
        var id: UUID
        var wakes: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var elapsed = Duration.zero
        var sleepers: [Sleeper] = []
        var underWay = 0
        /// Grows with everything that happens.
        var news = 0
    }

    private let state = Mutex(State())
    /// An element after whatever happens; one that nobody has taken yet is enough.
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let start = Date()

    var elapsed: Duration { state.withLock { $0.elapsed } }

    var callTime: CallTime {
        CallTime(
            now: { [self] in start.addingTimeInterval(elapsed / .seconds(1)) }, uptime: { [self] in elapsed },
            sleep: { [self] in try await sleep($0) }, random: { 0.5 })
    }

    /// Gives `body` the time, which runs as long as that does.
    static func with<Result: Sendable>(
        _ emulator: AWSEmulator, _ body: @escaping @Sendable (VirtualTime) async throws -> Result
    ) async throws -> Result {
        let time = VirtualTime()
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await time.run(emulator)
                return nil
            }
            group.addTask { try await body(time) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    func sleep(_ duration: Duration) async throws {
        let id = UUID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                happen { state in
                    state.sleepers.append(
                        Sleeper(id: id, wakes: state.elapsed + duration, continuation: continuation))
                }
                if Task.isCancelled { wake(id, CancellationError()) }
            }
        } onCancel: {
            wake(id, CancellationError())
        }
    }

    /// Something during which time stands still.
    func working<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        happen { $0.underWay += 1 }
        defer { happen { $0.underWay -= 1 } }
        return try await body()
    }

    private func happen<Result: Sendable>(_ update: (inout State) -> sending Result) -> Result {
        defer { change.yield() }
        return state.withLock { state in
            state.news += 1
            return update(&state)
        }
    }

    private func wake(_ id: UUID, _ error: (any Error)?) {
        let sleeper = happen { state in
            state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
        }
        if let error {
            sleeper?.continuation.resume(throwing: error)
        } else {
            sleeper?.continuation.resume()
        }
    }

    private func run(_ emulator: AWSEmulator) async throws {
        for await _ in changes {
            var known: Int
            // Between two requests something may still be computed.
            repeat {
                known = state.withLock { $0.news }
                try await Task.sleep(for: .milliseconds(10))
            } while state.withLock { $0.news } != known
            let next = state.withLock { $0.underWay == 0 ? $0.sleepers.min { $0.wakes < $1.wakes } : nil }
            // Without a sleeper, or with something under way, there is another change to come.
            guard let next else { continue }
            state.withLock { $0.elapsed = max($0.elapsed, next.wakes) }
            try await emulator.control(["clock": elapsed / .seconds(1)])
            wake(next.id, nil)
        }
        try Task.checkCancellation()
    }
}

/// For stopwatches.
struct VirtualClock: Clock {
    let time: VirtualTime

    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.offset < rhs.offset }
    }

    var now: Instant { Instant(offset: time.elapsed) }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await time.sleep(max(.zero, now.duration(to: deadline)))
    }
}

/// Time stands still while a request is under way; only a copy inside S3 takes as long as that of a large object.
struct VirtualTransport: Transport {
    let time: VirtualTime
    let real: any Transport

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        if request.headers.contains(where: { $0.name == "x-amz-copy-source" }) { try await time.sleep(.seconds(90)) }
        return try await time.working { try await real.send(request, within: limit) }
    }
}

/// Makes keys; every machine says yes to everything.
struct VirtualRunner: CommandRunner {
    let time: VirtualTime
    /// Whether a machine answers at all.
    var reaches = true

    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        if command.executable == "ssh" {
            guard reaches else {
                try await time.sleep(.seconds(10))
                return CommandOutput(status: .exited(255), standardError: "ssh: connect: Connection timed out\n")
            }
            return CommandOutput(standardOutput: "ID=debian\nVERSION_CODENAME=bookworm\n")
        }
        return try await time.working { try await SystemCommandRunner().execute(command, onLine: onLine) }
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        try await SystemCommandRunner().start(command, log: log)
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result {
        try await SystemCommandRunner().converse(command, body)
    }
}

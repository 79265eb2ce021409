import Glibc
import Synchronization
import Testing

@testable import Workbench

/// Serialized, and the only suite that sends signals to this process: each is trapped before it is sent.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct SignalsTests {
    struct Broken: Error {}
    final class Told: Sendable {
        let names = Mutex<[String]>([])
    }
    let ignore: @Sendable (String, Bool) -> Void = { _, _ in }

    @Test func withoutASignalTheResultComesBack() async throws {
        #expect(try await interruptible(onSignal: ignore) { 7 } == 7)
        await #expect(throws: Broken.self) {
            try await interruptible(onSignal: ignore) { throw Broken() }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func aSignalCancelsTheWorkAndIsNamed(signal: Int32) async throws {
        let told = Told()
        let tell: @Sendable (String, Bool) -> Void = { name, _ in told.names.withLock { $0.append(name) } }
        let error = await #expect(throws: Interrupted.self) {
            try await interruptible(onSignal: tell) {
                kill(getpid(), signal)
                try await Task.sleep(for: .seconds(60))
            }
        }
        #expect(error?.signal == signal)
        #expect(error?.cause is CancellationError)
        #expect(told.names.withLock { $0.count } == 1)
    }

    @Test func workThatIsFinishedDespiteTheSignalCounts() async throws {
        let result = try await interruptible(onSignal: ignore) {
            kill(getpid(), SIGTERM)
            try? await Task.sleep(for: .seconds(60))
            return "done"
        }
        #expect(result == "done")
    }
}

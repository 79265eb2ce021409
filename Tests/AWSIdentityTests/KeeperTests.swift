import AWSCore
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import AWSIdentity

/// Credentials are renewed in time, and never fetched twice.
@Suite("Credential keeper", .timeLimit(.minutes(1)))
struct KeeperTests {
    /// Issues keys A1, A2, … that are valid for an hour, and counts them.
    final class Issuer: Sendable {
        struct State {
            var now = Date(timeIntervalSince1970: 1_800_000_000)
            var count = 0
            var fails = false
            var lifetime: TimeInterval? = 3600
            var refused: [String?] = []
        }
        let state = Mutex(State())
        /// Opens at the first fetch.
        let isAsked = Latch()
        /// Fetches wait until it opens.
        let gate: Latch?

        init(gate: Latch? = nil) { self.gate = gate }

        struct Failure: Error {}

        var keeper: CredentialCache {
            let fetch: CredentialCache.Fetch = { refused in
                self.isAsked.open()
                try await self.gate?.wait()
                return try self.state.withLock { state in
                    state.refused.append(refused?.accessKeyID)
                    state.count += 1
                    if state.fails { throw Failure() }
                    return Credentials(
                        accessKeyID: "A\(state.count)", secretAccessKey: "s",
                        expiration: state.lifetime.map { state.now + $0 }, origin: "test")
                }
            }
            return CredentialCache(now: { self.state.withLock { $0.now } }, fetch: fetch)
        }

        func pass(_ seconds: Double) { state.withLock { $0.now += seconds } }
        func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }
        var count: Int { state.withLock { $0.count } }
    }

    private func key(_ keeper: CredentialCache, insteadOf refused: Credentials? = nil) async throws -> String {
        try await keeper.credentials(insteadOf: refused).accessKeyID
    }

    @Test("credentials are fetched once and renewed five minutes before they expire")
    func renewal() async throws {
        let issuer = Issuer()
        let keeper = issuer.keeper
        #expect(try await key(keeper) == "A1")
        issuer.pass(3600 - 301)
        #expect(try await key(keeper) == "A1")
        issuer.pass(1)
        #expect(try await key(keeper) == "A2")
        #expect(issuer.count == 2)
    }

    @Test("credentials without expiration are fetched once")
    func lasting() async throws {
        let issuer = Issuer()
        issuer.state.withLock { $0.lifetime = nil }
        let keeper = issuer.keeper
        _ = try await key(keeper)
        issuer.pass(1e6)
        #expect(try await key(keeper) == "A1")
    }

    @Test("after a failed renewal, the old credentials stay in use while valid, and retries are limited")
    func failure() async throws {
        let issuer = Issuer()
        let keeper = issuer.keeper
        _ = try await key(keeper)
        issuer.fail(true)
        issuer.pass(3400)
        for _ in 1...5 { #expect(try await key(keeper) == "A1") }
        #expect(issuer.count == 2)
        issuer.pass(31)
        #expect(try await key(keeper) == "A1")
        #expect(issuer.count == 3)
        issuer.pass(200)
        await #expect(throws: Issuer.Failure.self) { try await key(keeper) }
        issuer.fail(false)
        #expect(try await key(keeper) == "A5")
    }

    @Test("rejected credentials are replaced, and passed to the fetch")
    func refused() async throws {
        let issuer = Issuer()
        let keeper = issuer.keeper
        let first = try await keeper.credentials(insteadOf: nil)
        #expect(try await key(keeper, insteadOf: first) == "A2")
        #expect(issuer.state.withLock { $0.refused } == [nil, "A1"])
        // Another caller whose old credentials were rejected gets the new ones at once.
        #expect(try await key(keeper, insteadOf: first) == "A2")
        issuer.fail(true)
        let second = try await keeper.credentials(insteadOf: nil)
        await #expect(throws: Issuer.Failure.self) { try await key(keeper, insteadOf: second) }
    }

    @Test("a hundred callers cause one fetch")
    func together() async throws {
        let gate = Latch()
        let issuer = Issuer(gate: gate)
        let keeper = issuer.keeper
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 1...100 { group.addTask { try await self.key(keeper) } }
            try await issuer.isAsked.wait()
            gate.open()
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(keys == ["A1"])
        #expect(issuer.count == 1)
    }

    @Test("a cancelled caller returns at once; the others get the fetched credentials")
    func cancellation() async throws {
        let gate = Latch()
        let issuer = Issuer(gate: gate)
        let keeper = issuer.keeper
        let impatient = Task { try await key(keeper) }
        try await issuer.isAsked.wait()
        let patient = Task { try await key(keeper) }
        impatient.cancel()
        await #expect(throws: CancellationError.self) { try await impatient.value }
        gate.open()
        #expect(try await patient.value == "A1")
        #expect(issuer.count == 1)
    }
}

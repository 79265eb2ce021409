import AWSCore
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Pages, waits and limits")
struct PagesAndWaitsTests {
    @Test("all pages of a list, each fetched on demand")
    func pages() async throws {
        let script = Script([
            .answer(200, #"{"names":["a","b"],"nextToken":"2"}"#), .answer(200, #"{"names":[],"nextToken":"3"}"#),
            .answer(200, #"{"names":["c"]}"#),
        ])
        var iterator = client(script).items(of: Toy.PageToys()).makeAsyncIterator()
        #expect(script.requests.isEmpty)
        var names: [String] = []
        while let name = try await iterator.next() {
            names.append(name)
            if name == "b" { #expect(script.requests.count == 1) }
        }
        #expect(names == ["a", "b", "c"])
        #expect(try await iterator.next() == nil)
        #expect(script.requests.count == 3)
    }

    @Test("a repeated token is an error: the list would never end, and is incomplete")
    func repeatedToken() async throws {
        let script = Script(Array(repeating: .answer(200, #"{"names":["a"],"nextToken":"2"}"#), count: 5))
        let error = await #expect(throws: AWSError.self) {
            for try await _ in client(script).pages(of: Toy.PageToys()) {}
        }
        #expect(error?.kind == .unexpectedAnswer && script.requests.count == 2)
    }

    @Test("polls at a pace until there is a result")
    func wait() async throws {
        let script = Script([.noToys, .noToys, .fail(.lost), .toys])
        let client = client(script, backoff: Backoff(attempts: 1))
        let toy = try await client.wait(
            for: "a toy", at: PollingPolicy(first: .seconds(4), longest: .seconds(6), growth: 1.5)
        ) {
            try await client.call(Toy.ListToys()).names.first
        }
        #expect(toy == "bear")
        #expect(script.time.sleeps == [5, 7.5, 7.5].map { .seconds($0) })
    }

    @Test("asks for the reason after a timeout")
    func reason() async throws {
        let script = Script(Array(repeating: .noToys, count: 100))
        let client = client(script)
        let error = await #expect(throws: WaitTimeout.self) {
            try await client.wait(for: "a toy", at: PollingPolicy(limit: .seconds(60))) {
                "the shop is closed"
            } until: {
                try await client.call(Toy.ListToys()).names.first
            }
        }
        #expect(error?.description == "timed out after 60 s waiting for a toy: the shop is closed")
    }

    @Test("a permanently broken connection ends the wait")
    func impatience() async throws {
        let script = Script([])
        let client = client(script, backoff: Backoff(attempts: 1))
        let error = await #expect(throws: AWSError.self) {
            try await client.wait(for: "a toy", at: PollingPolicy(patience: .seconds(60))) {
                try await client.call(Toy.ListToys()).names.first
            }
        }
        #expect(error?.kind == .unreachable)
        #expect(script.time.uptime >= .seconds(60))
    }

    @Test("concurrent calls are limited per service")
    func concurrency() async throws {
        let crowd = ConcurrentCalls()
        let client = AWSClient(
            region: "eu-central-1", world: ClientWorld(transport: crowd, credentials: Keys()))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await client.call(Toy.ListToys()) } }
            try await group.waitForAll()
        }
        #expect(crowd.most == 2)
    }

    @Test("a call cancelled while queued leaves the queue, which continues")
    func cancelledInQueue() async throws {
        let crowd = ConcurrentCalls(holds: true)
        let client = AWSClient(
            region: "eu-central-1", world: ClientWorld(transport: crowd, credentials: Keys()))
        let first = (0..<2).map { _ in Task { try await client.call(Toy.ListToys()) } }
        try await crowd.isCrowded.wait()
        let queued = Task { try await client.call(Toy.ListToys()) }
        let last = Task { try await client.call(Toy.ListToys()) }
        queued.cancel()
        await #expect(throws: CancellationError.self) { try await queued.value }
        crowd.release()
        for task in first + [last] { #expect(try await task.value.names == ["bear"]) }
    }
}

/// The fate of a call whose task is cancelled before the response arrives.
@Suite("Cancelled calls")
struct CancelledCallTests {
    @Test("a creating call completes, so that its result can be removed; a reading call ends at once")
    func cancelled() async throws {
        let crowd = ConcurrentCalls(holds: true)
        let client = AWSClient(region: "eu-central-1", world: ClientWorld(transport: crowd, credentials: Keys()))
        let making = Task { try await client.call(Toy.MakeToy()) }
        let reading = Task { try await client.call(Toy.ListToys()) }
        try await crowd.isCrowded.wait()
        making.cancel()
        reading.cancel()
        await #expect(throws: CancellationError.self) { try await reading.value }
        crowd.release()
        #expect(try await making.value.names == ["bear"])
    }
}

/// Counts concurrent calls, and can hold them.
private final class ConcurrentCalls: Transport {
    private let state = Mutex((now: 0, most: 0))
    private let gate: Latch?
    /// Opens at the second of two concurrent calls.
    let isCrowded = Latch()

    init(holds: Bool = false) { gate = holds ? Latch() : nil }

    var most: Int { state.withLock { $0.most } }
    func release() { gate?.open() }

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let now = state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
            return $0.now
        }
        defer { state.withLock { $0.now -= 1 } }
        if now == 2 { isCrowded.open() }
        if let gate { try await gate.wait() } else { try await Task.sleep(for: .milliseconds(2)) }
        return HTTPResponse(status: 200, body: Array(#"{"names":["bear"]}"#.utf8))
    }
}

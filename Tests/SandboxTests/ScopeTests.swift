import Synchronization
import Testing

@testable import Sandbox

@Suite("A scope removes what was created in it")
struct ScopeTests {
    private let record = Record()

    @Test(arguments: [(false, false, true), (false, true, true), (true, false, false), (true, true, true)])
    func `what a success leaves`(keepsOnSuccess: Bool, fails: Bool, isRemoved: Bool) async throws {
        let result = try? await Scope.run(keepsOnSuccess: keepsOnSuccess) { scope in
            await create(scope)
            if fails { throw Failure(.failed, "no") }
            return 1
        }
        #expect((result == nil) == fails)
        #expect(record.lines == (isRemoved ? ["machine", "lock"] : []))
    }

    @Test(arguments: [true, false])
    func `only a machine that somebody can be told about is kept, and the error says so`(isKnown: Bool) async {
        let told = Told()
        let error = await #expect(throws: (any Error).self) {
            try await Scope.run(keepsOnFailure: true, events: told.sink) { scope in
                await create(scope)
                if isKnown { await scope.undo.remember(hint: "ssh there") }
                throw Failure(.failed, "no")
            }
        }
        #expect(record.lines == (isKnown ? ["lock"] : ["machine", "lock"]))
        #expect(told.events == [])
        let left = error as? LeftBehind
        #expect(left?.kept == (isKnown ? ["ssh there"] : nil))
        #expect(((left?.cause ?? error) as? Failure)?.message == "no")
    }

    @Test func `a scope within another loses neither what was kept nor what could not be removed`() async {
        let left = await #expect(throws: LeftBehind.self) {
            try await Scope.run { outer in
                await stick(outer)
                try await Scope.run(keepsOnFailure: true) { inner in
                    await stick(inner)
                    await inner.undo.remember(hint: "ssh there")
                    throw Failure(.failed, "no")
                }
            }
        }
        #expect(left?.kept == ["ssh there"])
        #expect(left?.leftovers == Array(repeating: "key could not be removed: busy; remove it with: rm key", count: 2))
        #expect((left?.cause as? Failure)?.message == "no")
    }

    @Test func `a failure is examined while everything exists, and a machine is recorded before it is kept`() async {
        let told = Told()
        await #expect(throws: LeftBehind.self) {
            try await Scope.run(keepsOnFailure: true, events: told.sink) { scope in
                await create(scope)
                await scope.undo.remember(hint: "ssh there")
                await scope.undo.whenKept { record.add("record") }
                await scope.undo.whenFailed {
                    record.add("examine")
                    return ["logs here"]
                }
                throw Failure(.failed, "no")
            }
        }
        #expect(record.lines == ["examine", "record", "lock"])
        #expect(told.events == [.notice("logs here")])
    }

    @Test func `nothing is examined or recorded after a success`() async throws {
        try await Scope.run(keepsOnFailure: true) { scope in
            await create(scope)
            await scope.undo.remember(hint: "ssh there")
            await scope.undo.whenKept { record.add("record") }
            await scope.undo.whenFailed {
                record.add("examine")
                return []
            }
        }
        #expect(record.lines == ["machine", "lock"])
    }

    @Test func `a machine that cannot be recorded is kept with a warning`() async {
        let told = Told()
        await #expect(throws: LeftBehind.self) {
            try await Scope.run(keepsOnFailure: true, events: told.sink) { scope in
                await create(scope)
                await scope.undo.remember(hint: "ssh there")
                await scope.undo.whenKept { throw Failure(.temporary, "disk full") }
                throw Failure(.failed, "no")
            }
        }
        #expect(record.lines == ["lock"])
        let warning = "the machine could not be recorded as kept, so the next build removes it: disk full"
        #expect(told.events == [.warning(warning)])
    }

    @Test func `a result can count as a failure`() async throws {
        let told = Told()
        for passed in [true, false] {
            _ = try await Scope.run(keepsOnFailure: true, events: told.sink, isSuccess: \.self) { scope in
                await create(scope)
                await scope.undo.remember(hint: "ssh there")
                return passed
            }
        }
        #expect(record.lines == ["machine", "lock", "lock"])
        #expect(told.events == [.notice("ssh there")])
    }

    @Test func `what is kept after a success is told too`() async throws {
        let told = Told()
        try await Scope.run(keepsOnSuccess: true, events: told.sink) { scope in
            await create(scope)
            await scope.undo.remember(hint: "ssh there")
        }
        #expect(record.lines == [])
        #expect(told.events == [.notice("ssh there")])
    }

    @Test func `leftovers are warnings after a success, or an error where the removal is the point`() async throws {
        let told = Told()
        try await Scope.run(events: told.sink) { await stick($0) }
        #expect(told.events == [.warning("key could not be removed: busy; remove it with: rm key")])
        let failure = await #expect(throws: Failure.self) {
            try await Scope.run(requiresCleanUp: true) { await stick($0) }
        }
        #expect(failure?.details == ["key could not be removed: busy; remove it with: rm key"])
    }

    @Test func `a log has the removal as a stage, but none where nothing is removed`() async throws {
        let log = StageLog(events: { _ in }, clock: ContinuousClock())
        try await Scope.run(keepsOnSuccess: true, log: log) { await create($0) }
        #expect(await log.times.isEmpty)
        try await Scope.run(log: log) { await create($0) }
        #expect(await log.times.map(\.stage) == [.cleanUp])
    }

    private func create(_ scope: Scope) async {
        await scope.undo.register("lock", remedy: "") { record.add("lock") }
        await scope.undo.register("machine", remedy: "", isKeepable: true) { record.add("machine") }
    }

    private func stick(_ scope: Scope) async {
        await scope.undo.register("key", remedy: "rm key") { throw Failure(.failed, "busy") }
    }
}

private final class Told: Sendable {
    private let all = Mutex<[BuildEvent]>([])
    var events: [BuildEvent] { all.withLock { $0 } }
    var sink: EventSink { { event in self.all.withLock { $0.append(event) } } }
}

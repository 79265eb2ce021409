import Synchronization
import Testing

@testable import Sandbox

@Suite("The workflow: setup, install, seal, capture, export, clean up")
struct CreateVMTests {
    static let calls = [
        "look", "set up", "install base", "keep 0", "install jupyter", "keep 1", "seal", "capture", "export raw",
    ]
    static let removals = ["remove disk", "remove machine", "remove lock"]

    @Test func `stages run in order, clean-up last`() async throws {
        let provider = FakeProvider()
        let (events, sink) = collector()
        let report = try await createVM(order(), on: provider, with: provider, events: sink)
        #expect(provider.record.lines == Self.calls + Self.removals)
        #expect(report.stages.map(\.stage) == Stage.allCases)
        #expect(report.stages.allSatisfy { $0.outcome == .done })
        #expect(report.artifacts == [artifact])
        #expect(events().first == .buildStarted(assetID: try AssetID("1"), provider: "fake"))
        #expect(events().last == .artifact(artifact))
        #expect(started(events()) == Stage.allCases)
    }

    @Test func `a finished build is not built again`() async throws {
        var provider = FakeProvider()
        let missing = [MissingComponent(component: "lost", reason: "no network")]
        provider.finished = FinishedBuild(artifacts: [artifact], missing: missing)
        provider.finished?.note = "a word on it"
        let (events, sink) = collector()
        let report = try await createVM(order(), on: provider, with: provider, events: sink)
        #expect(provider.record.lines == ["look"])
        #expect(report.artifacts == [artifact])
        #expect(report.missing == missing)
        #expect(events().contains(.artifact(artifact)))
        #expect(events().contains(.notice("a word on it")))
    }

    @Test(arguments: [false, true])
    func `an order that cannot be built is refused before any stage, unless there is nothing to do`(
        isFinished: Bool
    ) async throws {
        var provider = FakeProvider()
        provider.refusal = Failure(.badData, "the asset id belongs to another sandbox")
        provider.captured = "AMI"
        if isFinished { provider.finished = FinishedBuild(artifacts: [artifact], missing: []) }
        let (events, sink) = collector()
        let report = try? await createVM(order(), on: provider, with: provider, events: sink)
        #expect(report?.artifacts == (isFinished ? [artifact] : nil))
        #expect(provider.record.lines == ["look"] && started(events()) == [])
    }

    @Test func `what an earlier run has captured is only exported`() async throws {
        var provider = FakeProvider()
        provider.captured = "AMI"
        let report = try await createVM(order(), on: provider, with: provider, events: { _ in })
        #expect(provider.record.lines == ["look", "export AMI"])
        #expect(report.stages.map(\.outcome) == [.cached, .cached, .cached, .cached, .done, .done])
        #expect(report.artifacts == [artifact])
    }

    @Test func `a machine that an earlier run has sealed is only captured`() async throws {
        var provider = FakeProvider()
        provider.machine.isSealed = true
        _ = try await createVM(order(), on: provider, with: provider, events: { _ in })
        #expect(provider.record.lines == ["look", "set up", "capture", "export raw"] + Self.removals)
    }

    @Test func `without the cache nobody looks for a finished build`() async throws {
        var provider = FakeProvider()
        provider.finished = FinishedBuild(artifacts: [artifact], missing: [])
        _ = try await createVM(order(usesCache: false), on: provider, with: provider, events: { _ in })
        #expect(provider.record.lines == Self.calls.dropFirst() + Self.removals)
    }

    @Test func `a new password needs a new system, from the cache`() async throws {
        var provider = FakeProvider()
        provider.finished = FinishedBuild(artifacts: [artifact], missing: [])
        provider.captured = "AMI"
        _ = try await createVM(order(setsNewPassword: true), on: provider, with: provider, events: { _ in })
        #expect(provider.record.lines == Self.calls.dropFirst() + Self.removals)
    }

    @Test func `the images that were asked for come first in the report`() async throws {
        var provider = FakeProvider()
        var raw = artifact
        raw.format = .raw
        provider.finished = FinishedBuild(artifacts: [raw, artifact], missing: [])
        let (events, sink) = collector()
        var order = try order()
        order.definition.formats = [.vhd]
        let report = try await createVM(order, on: provider, with: provider, events: sink)
        #expect(report.artifacts == [artifact, raw])
        #expect(events().suffix(2) == [.artifact(artifact), .artifact(raw)])
    }

    @Test(arguments: [(1, StageOutcome.done, ["install jupyter", "keep 1"]), (2, .cached, [])])
    func `steps that the machine has are not run`(done: Int, outcome: StageOutcome, calls: [String]) async throws {
        var provider = FakeProvider()
        provider.machine.stepsDone = done
        let report = try await createVM(order(), on: provider, with: provider, events: { _ in })
        #expect(report.stages.first { $0.stage == .install }?.outcome == outcome)
        #expect(provider.record.lines == ["look", "set up"] + calls + Self.calls.suffix(3) + Self.removals)
    }

    @Test func `what is missing is said loudly, from cache and installation`() async throws {
        var provider = FakeProvider()
        provider.machine.missing = [MissingComponent(component: "old", reason: "gone")]
        let (events, sink) = collector()
        let report = try await createVM(
            order(roles: ["base", "lost"]), on: provider, with: provider, events: sink)
        #expect(report.missing.map(\.component) == ["old", "lost"])
        #expect(events().contains(.warning("the sandbox goes without lost: no network")))
        #expect(events().contains(.warning("the sandbox goes without old: gone")))
    }

    @Test(arguments: [
        ("set up", Stage.setup, 2), ("install jupyter", .install, 2), ("keep 0", .install, 2), ("seal", .seal, 2),
        ("capture", .capture, 3), ("export raw", .export, 3),
    ])
    func `an error ends the stage, cleans up and is thrown as it is`(
        call: String, stage: Stage, removals: Int
    ) async throws {
        var provider = FakeProvider()
        provider.failing = call
        let (events, sink) = collector()
        let failure = try await #require(throws: Failure.self) {
            try await createVM(order(), on: provider, with: provider, events: sink)
        }
        #expect(failure.message == "\(call) failed")
        #expect(provider.record.lines.suffix(removals + 1) == [call] + Array(Self.removals.suffix(removals)))
        #expect(finished(events(), .failed) == [stage])
        #expect(finished(events(), .done).last == .cleanUp)
    }

    @Test(arguments: ["set up", "install base", "seal", "capture", "export raw"])
    func `a cancelled build cleans up`(call: String) async throws {
        var provider = FakeProvider()
        provider.hanging = call
        let (events, sink) = collector()
        let build = Task { [provider] in
            try await createVM(order(), on: provider, with: provider, events: sink)
        }
        while !provider.record.lines.contains(call) { try await Task.sleep(for: .milliseconds(1)) }
        build.cancel()
        await #expect(throws: CancellationError.self) { try await build.value }
        #expect(provider.record.lines.suffix(2) == ["remove machine", "remove lock"])
        #expect(finished(events(), .failed).isEmpty && finished(events(), .interrupted).count == 1)
    }

    @Test(arguments: ["capture", "export raw"])
    func `a generated password is told as soon as it is set, whatever comes after`(call: String) async throws {
        var provider = FakeProvider()
        provider.failing = call
        let (events, sink) = collector()
        await #expect(throws: Failure.self) {
            try await createVM(order(), on: provider, with: provider, events: sink)
        }
        let all = events()
        let told = all.indices.filter { all[$0] == .passwordSet(user: "ubuntu", Secret("x")) }
        #expect(told.count == 1)
        let capture = try #require(all.firstIndex(of: .stageStarted(.capture)))
        #expect(told.allSatisfy { $0 < capture })
    }

    @Test(arguments: [true, false])
    func `a password that this build did not set is not told`(isSealed: Bool) async throws {
        var provider = FakeProvider()
        provider.machine.isSealed = isSealed
        var order = try order()
        if !isSealed { order.password = .given(Secret("x")) }
        let (events, sink) = collector()
        _ = try await createVM(order, on: provider, with: provider, events: sink)
        #expect(!events().contains(.passwordSet(user: "ubuntu", Secret("x"))))
    }

    @Test func `the machine is kept on failure where that is asked for, and nothing else`() async throws {
        var provider = FakeProvider()
        provider.failing = "export raw"
        let left = await #expect(throws: LeftBehind.self) {
            try await createVM(order(keeps: true), on: provider, with: provider, events: { _ in })
        }
        #expect(left?.kept.first == "the machine was kept, reach it with: ssh -F '/c' 'fake'")
        #expect(provider.record.lines.suffix(3) == ["export raw", "remove disk", "remove lock"])
    }

    @Test func `a build that succeeds keeps no machine`() async throws {
        let provider = FakeProvider()
        _ = try await createVM(order(keeps: true), on: provider, with: provider, events: { _ in })
        #expect(provider.record.lines.contains("remove machine"))
    }

    @Test func `what could not be removed goes with the error`() async throws {
        var provider = FakeProvider()
        provider.failing = "seal"
        provider.sticking = "machine"
        let left = try await #require(throws: LeftBehind.self) {
            try await createVM(order(), on: provider, with: provider, events: { _ in })
        }
        #expect((left.cause as? Failure)?.message == "seal failed")
        #expect(left.leftovers == ["machine could not be removed: busy; remove it with: rm machine"])
        #expect(provider.record.lines.last == "remove lock")
    }

    @Test func `after a success it is a warning`() async throws {
        var provider = FakeProvider()
        provider.sticking = "disk"
        let (events, sink) = collector()
        let report = try await createVM(order(), on: provider, with: provider, events: sink)
        #expect(report.artifacts == [artifact])
        #expect(finished(events(), .failed) == [.cleanUp])
        #expect(events().contains(.warning("disk could not be removed: busy; remove it with: rm disk")))
    }

    @Test func `secrets do not print themselves`() throws {
        #expect("\(try order())".contains("•••"))
        #expect(String(reflecting: Secret("geheim")) == "•••")
    }

    private func collector() -> (@Sendable () -> [BuildEvent], EventSink) {
        let store = Store()
        return ({ store.events.withLock { $0 } }, { event in store.events.withLock { $0.append(event) } })
    }

    private func started(_ events: [BuildEvent]) -> [Stage] {
        events.compactMap { if case .stageStarted(let stage) = $0 { stage } else { nil } }
    }

    private func finished(_ events: [BuildEvent], _ outcome: StageOutcome) -> [Stage] {
        events.compactMap { event in
            if case .stageFinished(let stage, _, outcome) = event { stage } else { nil }
        }
    }
}

private final class Store: Sendable {
    let events = Mutex<[BuildEvent]>([])
}

import Testing

@testable import Sandbox

@Suite("Activities and the critical path")
struct ActivityTests {
    static let release = [
        Activity("stack", began: 0, ended: 180), Activity("install", began: 180, ended: 1080),
        Activity("AMI", began: 1080, ended: 1680), Activity("removing the stack", began: 1680, ended: 1800),
        Activity("export vmdk", began: 1680, ended: 4080), Activity("export vhd", began: 4080, ended: 6480),
        Activity("rename vmdk", began: 4080, ended: 4100), Activity("rename vhd", began: 6480, ended: 6500),
    ]

    @Test func `the critical path is the chain that the end waited for`() {
        #expect(
            Self.release.criticalPath.map(\.name) == [
                "stack", "install", "AMI", "export vmdk", "export vhd", "rename vhd",
            ])
        #expect(Self.release.besideCriticalPath.map(\.name) == ["removing the stack", "rename vmdk"])
    }

    @Test func `of two that end together the longer is on it`() {
        let two = [Activity("short", began: 5, ended: 9), Activity("long", began: 0, ended: 9)]
        #expect(two.criticalPath.map(\.name) == ["long"])
    }

    @Test func `a stage is an activity unless it consists of others`() async {
        let timeline = Timeline(Stopwatch(ContinuousClock()))
        let sink = timeline.observing { _ in }
        sink(.stageStarted(.setup))
        await activity("stack", sink) {}
        sink(.stageFinished(.setup, seconds: 1, outcome: .done))
        sink(.stageStarted(.install))
        sink(.stageFinished(.install, seconds: 1, outcome: .done))
        #expect(timeline.activities.map(\.name) == ["stack", "install"])
    }

    @Test func `an activity that fails has ended too`() async {
        let timeline = Timeline(Stopwatch(ContinuousClock()))
        let sink = timeline.observing { _ in }
        await #expect(throws: Failure.self) {
            try await activity("AMI", sink) { throw Failure(.failed, "no") }
        }
        #expect(timeline.activities.map(\.name) == ["AMI"])
    }
}

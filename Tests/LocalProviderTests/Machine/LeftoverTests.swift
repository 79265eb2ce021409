import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

extension RealMachines {
    /// Prefixes of the activities at which a build is interrupted.
    static let moments = ["downloading package lists", "unpacking", "setting up", "booting the machine"]

    @Test(arguments: moments)
    func aCancelledBuildLeavesNothing(at moment: String) async throws {
        let isCached = moment == "booting the machine"
        let factory = await Lab.factory(cache: isCached ? Lab.cache : "\(Lab.directory)/cancelled")
        let plan = try Lab.plan("cancelled")
        if isCached { try await Lab.warmUp() }
        let work = Running()
        let task = Task {
            try await withUndo { undo in
                let scope = Scope(undo) { event in
                    guard case .progress(_, let progress) = event, progress.activity.hasPrefix(moment) else { return }
                    work.cancel()
                }
                _ = try await factory.start(plan, in: scope)
                // Booting may finish before it is cancelled.
                try await Task.sleep(for: .seconds(30))
            }
        }
        work.task = task
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(try await factory.leftovers() == [])
        #expect(MountTable.current.below("\(Lab.directory)/cancelled") == [])
        #expect(isCached || factory.cache.entries == [])
        #expect(isCached || !fileExists(factory.cache.tree(.base, Lab.baseKey(factory, plan))))
    }

    /// The leftovers of a killed build are found and removed, whatever it was doing.
    @Test(arguments: ["unpacking", "running"])
    func aKilledBuildIsFoundAndRemoved(while moment: String) async throws {
        let isRunning = moment == "running"
        if isRunning { try await Lab.warmUp() }
        let cache = isRunning ? Lab.cache : "\(Lab.directory)/killed"
        let sign = "\(Lab.directory)/\(moment).sign"
        let victim = Command(
            try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            ["--testing-library", "swift-testing", "--filter", "Victim"],
            environment: [
                "DSS_VICTIM_CACHE": cache, "DSS_VICTIM_STATE": "\(Lab.directory)/state", "DSS_VICTIM_SIGN": sign,
                "DSS_VICTIM_MOMENT": moment,
            ])
        let process = try await SystemCommandRunner().start(victim, log: "\(Lab.directory)/victim.log")
        let deadline = ContinuousClock.now + .seconds(120)
        while !fileExists(sign), process.isAlive, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        try #require(fileExists(sign), "\(tail(of: "\(Lab.directory)/victim.log"))")
        let factory = await Lab.factory(cache: cache)
        #expect(try await factory.leftovers().filter { !$0.isInUse } == [])
        process.signal(SIGKILL)
        #expect(await process.ended(within: .seconds(5)))
        // The process counts as ended when its first thread has ended; the lock is released with the last thread.
        let parts = factory.resources(try AssetID("victim"))
        while parts.heldLock != nil, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }

        let left = try await factory.leftovers().filter { $0.assetID == "victim" }
        let kinds = Set(left.map(\.kind))
        #expect(left.allSatisfy { $0.isOrphan })
        // A program that unpacks may end by itself, once nobody reads its output.
        #expect(
            isRunning
                ? kinds == [.machine, .process, .network, .mount, .buildDirectory]
                : kinds.contains(.buildDirectory), "\(kinds)")
        #expect(try await factory.removeLeftovers(of: "victim").count >= left.count - 8)
        #expect(try await factory.leftovers() == [])
        #expect(try await factory.removeLeftovers(of: "victim") == [])
        let targets = BackgroundProcess.all { $0.contains { $0.contains("\(cache)/work") } }
        #expect(targets.isEmpty)
    }

    @Test func theNextBuildRemovesWhatAKilledOneLeft() async throws {
        let factory = await Lab.factory()
        try await Lab.warmUp()
        let parts = BuildResources(name: machineName("again", stateDirectory: factory.stateDirectory), in: factory)
        try makeDirectory("\(parts.workspace)/changes-0")
        try makeDirectory(parts.unfinished)
        try await factory.runner.run(parts.network.add)
        let events = Recorder()
        try await withUndo { undo in
            let machine = try await factory.start(Lab.plan("again"), in: Scope(undo, events: events.sink))
            #expect(try await Lab.run("echo up", on: machine) == "up")
        }
        #expect(events.notices == ["removing leftovers of an earlier build of again that was killed"])
    }

    @Test func aMirrorThatCannotBeReachedIsToldWithAptsReason() async throws {
        let factory = await Lab.factory(cache: "\(Lab.directory)/offline")
        var plan = try Lab.plan("offline")
        plan.base.mirror = "http://127.0.0.1:9/debian"
        await #expect {
            try await withUndo { undo in _ = try await factory.start(plan, in: Scope(undo)) }
        } throws: { error in
            let failure = error as? Failure
            return failure?.code == .unavailable && failure?.details.contains { $0.contains("127.0.0.1") } == true
        }
        #expect(try await factory.leftovers() == [])
        #expect(factory.cache.entries == [])
    }

    @Test func aFullDiskIsToldAndNothingStays() async throws {
        let disk = "\(Lab.directory)/small"
        try makeDirectory(disk)
        let runner = SystemCommandRunner()
        try await runner.run(Command("mount", ["-t", "tmpfs", "-o", "size=100m,mode=755", "small", disk]))
        try await finally { () async throws -> Void in
            let factory = await Lab.factory(cache: disk)
            await #expect {
                try await withUndo { undo in _ = try await factory.start(Lab.plan("full"), in: Scope(undo)) }
            } throws: { error in
                (error as? Failure)?.message.hasSuffix("no space left in \(disk)") == true
            }
            #expect(try await factory.leftovers() == [])
            #expect(factory.cache.entries == [])
        } cleanup: {
            _ = try? await runner.run(Command("umount", [disk]))
        }
    }

    @Test func aMachineThatCannotBootShowsItsConsole() async throws {
        let factory = await Lab.factory()
        try await Lab.warmUp()
        let plan = try Lab.plan("broken", steps: ["breaks init"])
        await #expect {
            try await withUndo { undo in
                let machine = try await factory.start(plan, in: Scope(undo))
                _ = try await Lab.run("rm /usr/lib/systemd/systemd", on: machine)
                _ = try await factory.keep(machine, InstalledStep()) { _ in }
            }
        } throws: { error in
            let failure = error as? Failure
            return failure?.message.contains("exited during boot") == true && failure?.details.isEmpty == false
        }
        #expect(try await factory.leftovers() == [])
    }
}

/// The task that a test cancels from within.
final class Running: Sendable {
    private let running = Mutex<Task<Void, any Error>?>(nil)
    var task: Task<Void, any Error>? {
        get { running.withLock { $0 } }
        set { running.withLock { $0 = newValue } }
    }
    func cancel() { task?.cancel() }
}

extension Lab {
    /// Builds the shared base system before a test that only uses it.
    static func warmUp() async throws {
        let factory = await factory()
        try await withUndo { undo in
            let build = try await factory.open(AssetID("warm up"), in: Scope(undo))
            _ = try await factory.base(plan("warm up"), for: build, events: { _ in })
        }
    }

    static func baseKey(_ factory: LocalMachineFactory, _ plan: MachinePlan) -> String {
        BaseRecipe(plan.base, profile: plan.profile, host: factory.host).key
    }

    static let victim = ProcessInfo.processInfo.environment
}

/// Runs in a separate process that another test kills.
@Suite(.enabled(if: Lab.victim["DSS_VICTIM_SIGN"] != nil, "is started by a test that kills it"))
struct Victim {
    @Test func builds() async throws {
        let environment = Lab.victim
        let sign = environment["DSS_VICTIM_SIGN"]!
        let moment = environment["DSS_VICTIM_MOMENT"]!
        let factory = await Lab.factory(
            cache: environment["DSS_VICTIM_CACHE"]!, state: environment["DSS_VICTIM_STATE"]!)
        let scope = Scope { event in
            if case .progress(_, let progress) = event, progress.activity.hasPrefix(moment) {
                try? writeAtomically("", to: sign)
            }
        }
        let machine = try await factory.start(Lab.plan("victim"), in: scope)
        try writeAtomically("", to: sign)
        try await Task.sleep(for: .seconds(300))
        withExtendedLifetime((machine, scope.undo)) {}
    }
}

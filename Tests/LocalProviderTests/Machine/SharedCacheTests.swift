import FoundationEssentials
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

/// Two state folders, as of two jobs of a build server, with one cache. The locks are real.
@Suite("Builds of several state folders that share a cache")
struct SharedCacheTests {
    private let assetID = try! AssetID("mine")

    private static func with(_ body: (_ theirs: LocalMachineFactory, _ ours: LocalMachineFactory) async throws -> Void)
        async throws
    {
        try await withTemporaryDirectory { root in
            let factory = { (state: String) in
                LocalMachineFactory(
                    runner: SystemCommandRunner(), cacheDirectory: "\(root)/cache", stateDirectory: "\(root)/\(state)",
                    host: HostSettings())
            }
            try await body(factory("theirs"), factory("ours"))
        }
    }

    /// Opens a build and releases its locks without removing anything, as the kernel does if the process is killed.
    private func kill(_ factory: LocalMachineFactory, keeping machine: BuildRecord.Machine? = nil) async throws {
        try await Scope.run(keepsOnSuccess: true) { scope in
            let build = try await factory.open(assetID, in: scope)
            await scope.undo.remember(hint: "killed")
            if let machine {
                try factory.note(machine, of: build)
                var record = try #require(BuildRecord.read(build.directory))
                record.kept = "before"
                try record.write(build.directory)
            }
            build.close()
        }
    }

    @Test("one that runs is in use for all of them, and none removes anything of it")
    func running() async throws {
        try await Self.with { theirs, ours in
            try await Scope.run { scope in
                let build = try await theirs.open(assetID, in: scope)
                let seen = try await ours.leftovers()
                let places = Set(seen.map(\.id))
                #expect(places == [build.directory, build.workspace] && seen.count == 2)
                let states = Set(seen.map { "\($0.assetID) \($0.state)" })
                #expect(states == ["mine in use"])
                #expect(RemovalPlan(seen, order: LocalAssets.removalOrder).isEmpty)
                let refusal = await #expect(throws: Failure.self) { try await ours.removeLeftovers(of: "mine") }
                #expect(refusal?.code == .temporary && refusal?.message.contains("is still running") == true)
                #expect(fileExists(build.directory) && fileExists(build.workspace))
                // The same asset id with another state folder is another build.
                try await Scope.run { own in
                    let other = try await ours.open(assetID, in: own)
                    #expect(other.name != build.name && fileExists(build.workspace))
                }
            }
            #expect(try await ours.leftovers() == [])
        }
    }

    @Test("one that runs is alive even if its state folder was deleted")
    func deletedState() async throws {
        try await Self.with { theirs, ours in
            try await Scope.run { scope in
                let build = try await theirs.open(assetID, in: scope)
                try FileManager.default.removeItem(atPath: theirs.stateDirectory)
                let states = try await ours.leftovers().map(\.state)
                #expect(states == ["in use"])
                let again = await #expect(throws: Failure.self) {
                    try await Scope.run { try await theirs.open(assetID, in: $0) }
                }
                #expect(again?.message.hasPrefix("another build of asset id mine (process ") == true)
                #expect(fileExists(build.workspace))
            }
        }
    }

    @Test("one that was killed is an orphan for all of them, and goes with its build directory")
    func killed() async throws {
        try await Self.with { theirs, ours in
            try await kill(theirs)
            let seen = try await ours.leftovers()
            let states = seen.map { "\($0.assetID) \($0.state)" }
            #expect(states == ["mine orphaned", "mine orphaned"])
            #expect(try await ours.removeLeftovers(of: "mine").count == 2)
            #expect(try await theirs.leftovers() == [])
        }
    }

    @Test("what an older version left has neither a lock nor a path in the cache, and is an orphan by its name")
    func older() async throws {
        try await Self.with { _, ours in
            let workspace = ours.cache.workspace("dss-old-12345678")
            try makeDirectory("\(workspace)/root")
            let seen = try await ours.leftovers()
            let lines = seen.map { "\($0.id) \($0.assetID) \($0.state)" }
            #expect(lines == ["\(workspace) dss-old-12345678 orphaned"])
            #expect(try await ours.removeLeftovers(of: "dss-old-12345678").count == 1)
            #expect(!fileExists(workspace))
        }
    }

    @Test("a machine that was kept stays until a command with its state folder removes it, with all that it stands on")
    func kept() async throws {
        try await Self.with { theirs, ours in
            let base = CachedTree(key: "b", path: theirs.cache.tree(.base, "b"))
            try makeDirectory(base.path)
            try CacheEntryManifest(key: "b", inputs: [:], fingerprint: "", bytes: 0, missing: [])
                .write(theirs.cache.manifest(.base, "b"))
            try await kill(theirs, keeping: .init(trees: [base], profile: .tiny, reachesHost: false))
            let seen = try await ours.leftovers()
            let states = seen.map(\.state)
            // The process that keeps it, its build directory and its workspace.
            #expect(states == ["kept", "kept", "kept"], "\(seen)")
            let plan = RemovalPlan(seen, order: LocalAssets.removalOrder)
            let reasons = Set(plan.spared.map(\.reason))
            #expect(plan.isEmpty && reasons == ["kept by a build with --state \(theirs.stateDirectory)"])
            #expect(try await ours.removeLeftovers(of: "mine") == [])
            #expect(try await ours.leftovers() == seen)
            let pruning = try await ours.prune(unusedForDays: 0, toBytes: nil, now: 1e12, isDryRun: false)
            #expect(pruning.removed == [] && fileExists(base.path))
            let own = try await theirs.leftovers()
            let ownPlan = RemovalPlan(own, order: LocalAssets.removalOrder)
            #expect(own.count == 3 && ownPlan.assets == own)
            #expect(try await theirs.removeLeftovers(of: "mine").count == 3)
            #expect(try await ours.leftovers() == [])
        }
    }

    @Test("a state folder that was moved is found where it is now")
    func moved() async throws {
        try await Self.with { theirs, ours in
            try await kill(theirs)
            try FileManager.default.moveItem(atPath: theirs.stateDirectory, toPath: ours.stateDirectory)
            let seen = try await ours.leftovers()
            let states = seen.map { "\($0.assetID) \($0.state)" }
            #expect(states == ["mine orphaned", "mine orphaned"])
            #expect(try await ours.removeLeftovers(of: "mine").count == 2)
        }
    }
}

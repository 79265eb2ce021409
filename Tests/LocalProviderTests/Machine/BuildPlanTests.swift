import Glibc
import Provisioning
import Sandbox
import Testing
import Workbench

@testable import LocalProvider

@Suite("The plan of a build")
struct BuildPlanTests {
    /// A factory with a cache that has the base system and every step of an order.
    /// - Parameter reads: what each step read outside of the playbook's folder, and the steps before it.
    private func withCache(
        reads: [[String: String]] = [[:], [:]],
        _ body: (LocalMachineFactory, Fixture, _ make: (Bool) throws -> BuildPlan) async throws -> Void
    ) async throws {
        try await CacheTests.withFactory { factory in
            try await Fixture.with { fixture in
                let machine = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
                let recipe = BaseRecipe(machine.base, profile: machine.profile, host: factory.host)
                try add(.base, recipe.key, inputs: recipe.inputs, parts: nil, to: factory.cache)
                var below = recipe.key
                for ((step, parts), reads) in zip(zip(machine.steps, machine.parts), reads) {
                    below = layerKey(below: below, step: step)
                    let roles = below == machine.layerKeys(above: recipe.key).first ? "first" : "last"
                    try add(.layers, below, inputs: ["roles": roles], parts: parts, reads: reads, to: factory.cache)
                }
                try await body(factory, fixture) { usesCache in
                    var order = try fixture.order()
                    order.usesCache = usesCache
                    return factory.plan(
                        MachinePlan(order, try BuildInputs(order)), steps: order.definition.playbook.steps,
                        then: [.seal], upToDate: [])
                }
            }
        }
    }

    private func add(
        _ kind: ContentCache.Kind, _ key: String, inputs: [String: String], parts: [String: String]?,
        reads: [String: String] = [:], usedBy: [String: Double] = ["1.0": 1], to cache: ContentCache
    ) throws {
        try makeDirectory(cache.tree(kind, key))
        try CacheEntryManifest(
            key: key, inputs: inputs, fingerprint: "", bytes: 0, missing: [], parts: parts, reads: reads, seconds: 9,
            usedBy: usedBy
        ).write(cache.manifest(kind, key))
    }

    private func states(_ plan: BuildPlan) -> [String] { plan.parts.map { "\($0.name) \($0.state)" } }

    @Test("everything is cached but what no cache has")
    func cached() async throws {
        try await withCache { _, _, make in
            let plan = try make(true)
            #expect(states(plan) == ["base system debian bookworm cached", "first cached", "last cached", " build"])
            #expect(plan.parts.map(\.seconds) == [9, 9, 9, nil] && !plan.isFinished)
        }
    }

    @Test(
        "who cannot read the cache is not told that it is empty",
        .enabled(if: geteuid() == 0, "needs root to become another user"))
    func unreadable() async throws {
        try await withCache { factory, fixture, _ in
            let order = try fixture.order()
            let machine = MachinePlan(order, try BuildInputs(order))
            // The thread becomes another user for files only: setfsuid(2), which the module Glibc lacks.
            let symbol = try #require(dlsym(nil, "setfsuid"))
            let setUser = unsafeBitCast(symbol, to: (@convention(c) (uid_t) -> CInt).self)
            let plan = { () -> BuildPlan in
                _ = setUser(65534)
                defer { _ = setUser(0) }
                return factory.plan(machine, steps: order.definition.playbook.steps, then: [.seal], upToDate: [])
            }
            chmod(parentDirectory(factory.cache.directory), 0o755)
            #expect(states(plan()) == ["base system debian bookworm cached", "first cached", "last cached", " build"])
            #expect(!plan().isIncomplete)
            try factory.cache.prepare()
            #expect(
                states(plan()) == ["base system debian bookworm unknown", "first unknown", "last unknown", " build"])
            #expect(plan().isIncomplete && !plan().isFinished)
        }
    }

    @Test("what differs from the last build of the asset id is known although it is cached")
    func revertedToCached() async throws {
        try await withCache { factory, fixture, _ in
            let old = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
            #expect(factory.changesSinceLastBuild(old) == [])
            try writeAtomically("new", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let plan = MachinePlan(try fixture.order(), try BuildInputs(fixture.order()))
            #expect(factory.changesSinceLastBuild(plan) == ["playbook/roles/last/tasks/main.yml changed"])
            let key = plan.layerKeys(above: BaseRecipe(plan.base, profile: plan.profile, host: factory.host).key)[1]
            try add(
                .layers, key, inputs: ["roles": "last"], parts: plan.parts[1], usedBy: ["1.0": 2], to: factory.cache)
            #expect(factory.changesSinceLastBuild(plan) == [])
            #expect(factory.changesSinceLastBuild(old) == ["playbook/roles/last/tasks/main.yml changed"])
            var stranger = plan
            stranger.assetID = try AssetID("9.9")
            #expect(factory.changesSinceLastBuild(stranger) == nil)
        }
    }

    @Test("a changed file is named at its step, and how long that step took")
    func changed() async throws {
        try await withCache { _, fixture, make in
            try writeAtomically("new", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let plan = try make(true)
            #expect(states(plan) == ["base system debian bookworm cached", "first cached", "last build", " build"])
            #expect(plan.parts[2].changes == ["playbook/roles/last/tasks/main.yml changed"])
            #expect(plan.parts[2].seconds == 9)
        }
    }

    @Test("a file outside of the playbook's folder counts from the step that read it", arguments: [0, 1])
    func outside(step: Int) async throws {
        let file = ["../outside.yml": sha256(ofText: "a")]
        try await withCache(reads: [step == 0 ? file : [:], file]) { factory, fixture, make in
            let path = "\(parentDirectory(fixture.folder))/outside.yml"
            let base = "base system debian bookworm cached"
            try writeAtomically("a", to: path)
            #expect(try states(make(true)) == [base, "first cached", "last cached", " build"])
            #expect(try factory.cachedSteps(of: MachinePlan(fixture.order(), BuildInputs(fixture.order()))) == 2)
            try writeAtomically("b", to: path)
            let plan = try make(true)
            #expect(states(plan) == [base, "first \(step == 0 ? "build" : "cached")", "last build", " build"])
            #expect(plan.parts.flatMap(\.changes) == ["\(path) (outside of the playbook) changed"])
            #expect(try factory.cachedSteps(of: MachinePlan(fixture.order(), BuildInputs(fixture.order()))) == step)
            try removeFile(path)
            #expect(try make(true).parts.flatMap(\.changes) == ["\(path) (outside of the playbook) is gone"])
        }
    }

    @Test("a change of an early step is named once, at that step")
    func early() async throws {
        try await withCache { _, fixture, make in
            try writeAtomically("new", to: "\(fixture.folder)/roles/first/tasks/more.yml")
            try writeAtomically("new", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let plan = try make(true)
            #expect(plan.parts[1].changes == ["playbook/roles/first/tasks/more.yml is new"])
            #expect(plan.parts[2].changes == ["playbook/roles/last/tasks/main.yml changed"])
        }
    }

    @Test("is compared with what the last build of the asset id used, and not with what is most similar")
    func lastBuild() async throws {
        try await withCache { factory, fixture, make in
            let tasks = "\(fixture.folder)/roles/last/tasks/main.yml"
            try writeAtomically("new", to: tasks)
            var wanted = try #require(try BuildInputs(fixture.order()).stepParts.last)
            wanted["user.name"] = "old"
            wanted["playbook/roles/last/tasks/more.yml"] = "old"
            // Later than what the cache has: of this asset id, and of another one.
            try add(
                .layers, "own", inputs: ["roles": "last"], parts: wanted, usedBy: ["1.0": 2, "other": 1],
                to: factory.cache)
            wanted["playbook/roles/last/tasks/more.yml"] = nil
            try add(
                .layers, "others", inputs: ["roles": "last"], parts: wanted, usedBy: ["other": 3], to: factory.cache)
            let part = try #require(try make(true).parts.first { $0.name == "last" })
            #expect(part.changes == ["playbook/roles/last/tasks/more.yml is gone", "user.name changed"])
            #expect(part.comparedWith == "1.0")
        }
    }

    @Test("an asset id that was never built here is compared with the build that used the step last, which is named")
    func otherBuild() async throws {
        try await withCache { factory, fixture, make in
            for manifest in factory.cache.manifests(.layers) {
                var manifest = manifest
                manifest.usedBy = ["other": 1, "another": 2]
                try manifest.write(factory.cache.manifest(.layers, manifest.key))
            }
            try writeAtomically("new", to: "\(fixture.folder)/roles/last/tasks/main.yml")
            let part = try make(true).parts[2]
            #expect(part.changes == ["playbook/roles/last/tasks/main.yml changed"] && part.comparedWith == "another")
        }
    }

    @Test("a resumed machine keeps the steps that it has as they are now, and goes on from there")
    func resumed() async throws {
        try await withCache { factory, fixture, _ in
            var order = try fixture.order()
            (order.usesCache, order.resumesKeptMachine) = (false, true)
            let plan = MachinePlan(order, try BuildInputs(order))
            let base = BaseRecipe(plan.base, profile: plan.profile, host: factory.host).key
            func states(_ steps: [String]) -> (states: [String], notes: [String]) {
                let trees = ([base] + steps).map { CachedTree(key: $0, path: "/\($0)") }
                let machine = BuildRecord.Machine(trees: trees, profile: .vm, reachesHost: false)
                let result = factory.plan(
                    plan, steps: order.definition.playbook.steps, then: [.seal], upToDate: [],
                    goingOnWith: (machine, "yesterday"))
                return (result.parts.map(\.state.rawValue), result.notes)
            }
            let first = try #require(plan.layerKeys(above: base).first)
            let note = "goes on with the machine that was kept after a failed build (yesterday)"
            let same = states([first])
            #expect(same.states == ["kept", "kept", "build", "build"] && same.notes == [note])
            let changed = states(["of other inputs"])
            #expect(changed.states == ["kept", "build", "build", "build"])
            #expect(changed.notes == [note, LocalMachineFactory.earlierStep(runningFrom: 0)])
        }
    }

    @Test("without a base system, or with --no-cache, nothing is cached")
    func nothing() async throws {
        try await withCache { factory, _, make in
            #expect(try make(false).parts.allSatisfy { $0.state == .build })
            for base in factory.cache.manifests(.base) { try removeFile(factory.cache.manifest(.base, base.key)) }
            let plan = try make(true)
            #expect(plan.parts.allSatisfy { $0.state == .build && $0.changes.isEmpty })
        }
    }

    @Test("an entry that has less than half in common explains nothing")
    func foreign() {
        let (old, new) = (["a": "1", "b": "1"], ["a": "2", "b": "1", "c": "1"])
        #expect(changes(from: old, to: new) == ["a changed", "c is new"])
        #expect(changes(from: new, to: ["a": "2"]) == ["b is gone", "c is gone"])
    }
}

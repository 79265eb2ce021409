import FoundationEssentials
import Glibc
import Synchronization
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

struct Broken: Error {}

final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func increase() { count.withLock { $0 += 1 } }
}

/// Cache tests with one-file trees instead of base systems.
@Suite struct CacheTests {
    /// Calls `body` with a factory that has its own directories.
    static func withFactory<Result>(_ body: (LocalMachineFactory) async throws -> Result) async throws -> Result {
        try await withTemporaryDirectory { directory in
            try await body(
                LocalMachineFactory(
                    runner: SystemCommandRunner(), cacheDirectory: "\(directory)/cache",
                    stateDirectory: "\(directory)/state", host: HostSettings()))
        }
    }

    static func access(_ factory: LocalMachineFactory, _ build: Build, _ events: Recorder) -> CacheAccess {
        CacheAccess(cache: factory.cache, runner: factory.runner, build: build, events: events.sink)
    }

    static func makeTree(_ build: Build, _ text: String) throws -> String {
        let tree = "\(build.workspace)/tree"
        try makeDirectory("\(tree)/sub")
        try writeAtomically(text, to: "\(tree)/sub/file")
        return tree
    }

    static let damages: [(name: String, damage: @Sendable (LocalMachineFactory) throws -> Void)] = [
        ("a file was changed", { try writeAtomically("longer", to: "\($0.cache.tree(.base, "k"))/sub/file") }),
        ("a file is missing", { unlink("\($0.cache.tree(.base, "k"))/sub/file") }),
        (
            "a byte was changed and the time restored",
            { factory in
                let path = "\(factory.cache.tree(.base, "k"))/sub/file"
                var status = stat()
                #expect(stat(path, &status) == 0)
                let file = open(path, O_WRONLY | O_CLOEXEC)
                defer { close(file) }
                #expect(pwrite(file, "T", 1, 0) == 1)
                var times = [status.st_atim, status.st_mtim]
                #expect(futimens(file, &times) == 0)
            }
        ),
        ("a file was truncated", { truncate("\($0.cache.tree(.base, "k"))/sub/file", 0) }),
        ("the tree is gone", { try FileManager.default.removeItem(atPath: $0.cache.tree(.base, "k")) }),
        ("the manifest is gone", { unlink($0.cache.manifest(.base, "k")) }),
        ("the manifest is half", { truncate($0.cache.manifest(.base, "k"), 40) }),
        (
            "the manifest is another's",
            {
                try writeAtomically(
                    try readText($0.cache.manifest(.base, "k")).filter { $0 != "k" }, to: $0.cache.manifest(.base, "k"))
            }
        ),
    ]

    @Test(arguments: damages)
    func aDamagedEntryIsToldAndMadeAgain(
        _ row: (name: String, damage: @Sendable (LocalMachineFactory) throws -> Void)
    ) async throws {
        try await Self.withFactory { factory in
            let made = Counter()
            let use = { @Sendable (events: Recorder) in
                try await withUndo { undo in
                    let build = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                    return try await Self.access(factory, build, events).obtain(.base, "k", inputs: ["a": "b"]) {
                        made.increase()
                        return try Self.makeTree(build, "text")
                    }
                }
            }
            let events = Recorder()
            _ = try await use(events)
            _ = try await use(events)
            #expect(made.value == 1 && events.warnings.isEmpty)
            try row.damage(factory)
            let tree = try await use(events)
            #expect(made.value == 2, "\(row.name)")
            #expect(
                events.warnings.count == 1 && events.warnings[0].hasPrefix("the cached base system k cannot be used"))
            #expect(try readText("\(tree.path)/sub/file") == "text")
        }
    }

    private static func mode(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    @Test("a build closes the trees to other users, and leaves a directory alone that may hold other things")
    func modes() async throws {
        try await Self.withFactory { factory in
            let cache = factory.cache
            try cache.prepare()
            for path in ["", "/base", "/layers", "/work"] {
                #expect(Self.mode(cache.directory + path) == 0o700)
                chmod(cache.directory + path, 0o755)
            }
            try await withUndo { undo in _ = try await factory.open(AssetID("a"), in: Scope(undo)) }
            #expect(Self.mode(cache.directory) == 0o755)
            for path in ["/base", "/layers", "/work"] { #expect(Self.mode(cache.directory + path) == 0o700) }
        }
    }

    @Test(
        "trees that another user could replace are refused",
        .enabled(if: geteuid() == 0, "needs root to give directories to another user"), arguments: ["base", "layers"])
    func owners(name: String) async throws {
        try await Self.withFactory { factory in
            try makeDirectory("\(factory.cache.directory)/\(name)")
            chown("\(factory.cache.directory)/\(name)", 65534, 65534)
            let failure = #expect(throws: Failure.self) { try factory.cache.prepare() }
            #expect(failure?.code == .noPermission && failure?.message.contains("/\(name) belongs to") == true)
        }
    }

    @Test(
        "a file system that cannot hold the trees is refused before anything is built, an ordinary one is not",
        .enabled(if: geteuid() == 0, "needs root to mount file systems"),
        arguments: [
            ("rw", true, "no overlay can be mounted"), ("noexec", false, "noexec"), ("nodev,nosuid", false, nil),
            ("rw", false, nil),
        ])
    func fileSystems(options: String, isOverlay: Bool, reason: String?) async throws {
        try await withTmpfs(options) { folder in
            let factory = LocalMachineFactory(
                runner: SystemCommandRunner(), cacheDirectory: "\(folder)/cache", stateDirectory: "\(folder)/state",
                host: HostSettings())
            if isOverlay {
                for name in ["lower", "upper", "upper.work", "cache"] { try makeDirectory("\(folder)/\(name)") }
                let upper = (changes: "\(folder)/upper", work: "\(folder)/upper.work")
                try await factory.runner.run(
                    Overlay(lower: ["\(folder)/lower"], upper: upper, target: factory.cache.directory).mount)
            }
            try await withUndo { undo in
                let build = try await factory.open(AssetID("a"), in: Scope(undo))
                let check = { try await factory.requireFileSystem(for: build) }
                guard let reason else { return try await check() }
                let failure = await #expect(throws: Failure.self) { try await check() }
                #expect(failure?.code == .unavailable && failure?.message.contains(reason) == true)
                #expect(failure?.details.first == "its file system is \(isOverlay ? "overlay" : "tmpfs")")
                #expect(failure?.advice?.contains("--cache") == true)
            }
            #expect(MountTable.current.below(folder).count == (isOverlay ? 2 : 1))
            if isOverlay { try await factory.runner.run(Command("umount", [factory.cache.directory])) }
        }
    }

    @Test func oneOfTwoBuildsMakesWhatTheOtherWaitsFor() async throws {
        try await Self.withFactory { factory in
            let made = Counter()
            let events = Recorder()
            try await withUndo { undo in
                try await withThrowingTaskGroup(of: CachedTree.self) { group in
                    for id in ["a", "b"] {
                        let build = try await factory.open(AssetID(id), in: Scope(undo, events: events.sink))
                        group.addTask {
                            try await Self.access(factory, build, events).obtain(.base, "k", inputs: [:]) {
                                made.increase()
                                try await Task.sleep(for: .milliseconds(300))
                                return try Self.makeTree(build, id)
                            }
                        }
                    }
                    let trees = try await group.reduce(into: []) { $0.append($1) }
                    #expect(trees.count == 2 && trees[0] == trees[1])
                }
            }
            #expect(made.value == 1)
            #expect(events.notices.count == 1 && events.notices[0].hasPrefix("waiting for the build of "))
        }
    }

    /// Both builds found no entry, and one of them was faster.
    @Test func whoComesLateToMakeItSharesWhatIsThere() async throws {
        try await Self.withFactory { factory in
            let events = Recorder()
            try await withUndo { undo in
                let first = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                let made = try await Self.access(factory, first, events).obtain(.base, "k", inputs: [:]) {
                    try Self.makeTree(first, "first")
                }
                let second = try await factory.open(AssetID("b"), in: Scope(undo, events: events.sink))
                let found = try await Self.access(factory, second, events).findAlone(.base, "k").found
                #expect(found == made)
            }
        }
    }

    /// Its key is still the same, so that the new one takes its place.
    @Test func anEntryThatIsNotCurrentIsNotLocked() async throws {
        try await Self.withFactory { factory in
            let events = Recorder()
            try await withUndo { undo in
                let first = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                _ = try await Self.access(factory, first, events).obtain(.layers, "k", inputs: [:]) {
                    try Self.makeTree(first, "first")
                }
                first.close()
                let second = try await factory.open(AssetID("b"), in: Scope(undo, events: events.sink))
                let access = Self.access(factory, second, events)
                #expect(try await access.find(.layers, "k") { _ in false } == nil)
                let (tree, isIncomplete) = try await access.place(Self.makeTree(second, "second"), .layers, "k")
                #expect(isIncomplete && tree.path == factory.cache.tree(.layers, "k"))
                try await access.complete(.layers, "k", inputs: [:], missing: [], reads: ["../x": "1"])
                #expect(CacheEntryManifest.read(factory.cache.manifest(.layers, "k"))?.reads == ["../x": "1"])
            }
            #expect(events.notices == [] && events.warnings == [])
        }
    }

    @Test func whatIsInUseIsNeitherReplacedNorRemoved() async throws {
        try await Self.withFactory { factory in
            let events = Recorder()
            try await withUndo { undo in
                let first = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                _ = try await Self.access(factory, first, events).obtain(.base, "k", inputs: [:]) {
                    try Self.makeTree(first, "first")
                }
                let second = try await factory.open(AssetID("b"), in: Scope(undo, events: events.sink))
                let (tree, isIncomplete) = try await Self.access(factory, second, events)
                    .place(Self.makeTree(second, "second"), .base, "k")
                #expect(!isIncomplete && tree.path.hasPrefix(second.workspace))
                let entry = try #require(factory.cache.entries.first)
                #expect(entry.isInUse && entry.bytes > 0)
                await #expect { try await factory.remove(entry) } throws: { ($0 as? Failure)?.code == .temporary }
                #expect(factory.cache.entries.prunable(unusedForDays: 0, toBytes: 0, now: .infinity) == [])
            }
            let entry = try #require(factory.cache.entries.first)
            #expect(
                !entry.isInUse && CacheEntryLock.holder(factory.cache.lock(.base, "k")) != "", "a look changes nothing")
            try await factory.remove(entry)
            #expect(factory.cache.entries == [] && !fileExists(factory.cache.tree(.base, "k")))
        }
    }

    @Test("layers on a damaged base are removed with it, and so are the products of both", arguments: [true, false])
    func above(isRemoved: Bool) async throws {
        try await Self.withFactory { factory in
            let events = Recorder()
            let make = { @Sendable in
                try await withUndo { undo in
                    let build = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                    let access = Self.access(factory, build, events)
                    for (kind, key, below) in [
                        (ContentCache.Kind.base, "k", ""), (.layers, "l", "k"), (.layers, "m", "l"),
                    ] {
                        let tree = try await access.obtain(kind, key, inputs: ["below": below]) {
                            try Self.makeTree(build, key)
                        }
                        try makeDirectory(tree.products)
                        try writeAtomically(key, to: "\(tree.products)/product")
                    }
                }
            }
            try await make()
            #expect(Set(factory.cache.entries.map(\.key)) == ["k", "l", "m"])
            if isRemoved {
                try await factory.remove(try #require(factory.cache.entries.first { $0.key == "k" }))
            } else {
                unlink("\(factory.cache.tree(.base, "k"))/sub/file")
                try await withUndo { undo in
                    let build = try await factory.open(AssetID("b"), in: Scope(undo, events: events.sink))
                    _ = try await Self.access(factory, build, events).find(.base, "k")
                }
            }
            #expect(factory.cache.entries == [])
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(factory.cache.directory)/layers")
            #expect(left == [])
        }
    }

    @Test("before anything is made, a build is told how many steps the cache has")
    func beforeBuilding() async throws {
        try await Self.withFactory { factory in
            let events = Recorder()
            let plan = try Lab.plan("a", steps: ["s", "t"])
            let base = BaseRecipe(plan.base, profile: plan.profile, host: factory.host).key
            #expect(factory.cachedSteps(of: plan) == 0)
            try await withUndo { undo in
                let build = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                let access = Self.access(factory, build, events)
                for (kind, key) in [(ContentCache.Kind.base, base), (.layers, layerKey(below: base, step: "s"))] {
                    _ = try await access.obtain(kind, key, inputs: [:]) { try Self.makeTree(build, key) }
                }
            }
            #expect(factory.cachedSteps(of: plan) == 1)
            #expect(try factory.cachedSteps(of: Lab.plan("a", steps: ["s", "t"], usesCache: false)) == 0)
            let checked = {
                var copy = factory
                copy.beforeBuilding = { throw Failure(.failed, "\($0) steps") }
                return copy
            }()
            try await withUndo { undo in
                let build = try await checked.open(AssetID("a"), in: Scope(undo, events: events.sink))
                let failure = await #expect(throws: Failure.self) {
                    try await checked.base(plan, for: build, events: events.sink)
                }
                #expect(failure?.message == "1 steps")
            }
        }
    }

    @Test("the directory with the record of a build is removed last, so that what a killed removal leaves has its id")
    func recordLast() async throws {
        try await Self.withFactory { factory in
            var factory = factory
            let parts = BuildResources(name: machineName("a", stateDirectory: factory.stateDirectory), in: factory)
            for directory in [parts.directory, parts.workspace] { try makeDirectory(directory) }
            let runner = Noting()
            factory.runner = runner
            try await factory.dismantle(parts)
            #expect(runner.removed == [parts.workspace, parts.directory])
        }
    }

    /// A cache of two base systems: `old` is unused, `new` has a layer in use and one that was last used long ago.
    private static let entries: [ContentCache.Entry] = {
        func entry(_ key: String, on below: String = "", usedOn day: Double, isInUse: Bool = false)
            -> ContentCache.Entry
        {
            ContentCache.Entry(
                kind: below.isEmpty ? .base : .layers, key: key, inputs: ["below": below], bytes: 10,
                lastUsed: day * 86400, isInUse: isInUse, isWhole: true)
        }
        var half = entry("half", usedOn: 99)
        half.isWhole = false
        return [
            entry("old", usedOn: 1), entry("old-layer", on: "old", usedOn: 1), entry("new", usedOn: 90, isInUse: true),
            entry("in-use", on: "new", usedOn: 90, isInUse: true), entry("forgotten", on: "new", usedOn: 50), half,
        ]
    }()

    @Test(
        "pruning takes the longest unused first, and nothing on which something stands that stays",
        arguments: [
            (Double?.none, Int64?.none, ["half"]), (60, nil, ["half", "old-layer", "old"]),
            (10, nil, ["half", "old-layer", "old", "forgotten"]), (nil, 40, ["half", "old-layer"]),
            (nil, 0, ["half", "old-layer", "old", "forgotten"]),
        ])
    func pruning(days: Double?, limit: Int64?, keys: [String]) {
        let gone = Self.entries.prunable(unusedForDays: days, toBytes: limit, now: 100 * 86400)
        #expect(gone.map(\.key) == keys)
    }

    @Test func aFailedMakeLeavesNothingUnderAFinalName() async throws {
        try await Self.withFactory { factory async throws -> Void in
            await #expect(throws: Broken.self) {
                try await withUndo { undo in
                    let build = try await factory.open(AssetID("a"), in: Scope(undo))
                    _ = try await Self.access(factory, build, Recorder()).obtain(.base, "k", inputs: [:]) {
                        _ = try Self.makeTree(build, "half")
                        throw Broken()
                    }
                }
            }
            #expect(factory.cache.entries == [] && !fileExists(factory.cache.tree(.base, "k")))
            #expect(try await factory.leftovers() == [])
        }
    }

    @Test func aSecondBuildOfOneIDIsRefusedByName() async throws {
        try await Self.withFactory { factory in
            try await withUndo { undo in
                _ = try await factory.open(AssetID("6.1.0"), in: Scope(undo))
                await #expect {
                    _ = try await factory.open(AssetID("6.1.0"), in: Scope())
                } throws: { error in
                    let failure = error as? Failure
                    return failure?.code == .temporary
                        && failure?.message.contains("asset id 6.1.0 (process \(getpid()), since ") == true
                }
                await #expect { try await factory.removeLeftovers(of: "6.1.0") } throws: {
                    ($0 as? Failure)?.code == .temporary
                }
                #expect(try await factory.leftovers().map(\.isInUse) == [true, true])
            }
            #expect(try await factory.leftovers() == [])
        }
    }
}

/// Notes what is to be removed, and removes nothing.
private final class Noting: CommandRunner {
    private let seen = Mutex<[String]>([])

    var removed: [String] { seen.withLock { $0 } }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        if command.executable == "rm" { seen.withLock { $0.append(command.arguments.last ?? "") } }
        return CommandOutput()
    }

    func start(_ command: Command, log: String) async throws -> BackgroundProcess {
        throw Failure(.bug, "\(command.executable) is only run to its end")
    }

    func converse<Result: Sendable>(
        _ command: Command, _ body: (PromptSession) async throws -> Result
    ) async throws -> Result { throw Failure(.bug, "\(command.executable) is only run to its end") }
}

import FoundationEssentials
import Glibc
import Testing
import Workbench

@testable import LocalProvider
@testable import Sandbox

@Suite("The contents of cache entries")
struct ContentRecordTests {
    /// Changes that the fingerprint does not show where the times are restored, too.
    static let changes: [(name: String, change: @Sendable (String) throws -> Void)] = [
        ("one byte", { try writeAtomically("one-", to: "\($0)/a") }),
        (
            "two files with each other",
            { tree in
                try writeAtomically("two.", to: "\(tree)/a")
                try writeAtomically("one.", to: "\(tree)/sub/b")
            }
        ),
    ]

    private static let nothing: @Sendable (String) -> Void = { _ in }

    private static func makeTree(_ tree: String) throws {
        try makeDirectory("\(tree)/sub")
        try writeAtomically("one.", to: "\(tree)/a")
        try writeAtomically("two.", to: "\(tree)/sub/b")
    }

    /// An entry, whose contents were last compared `age` seconds ago and are changed afterwards.
    private static func withChangedEntry(
        age: Double, _ change: (String) throws -> Void,
        _ body: (inout LocalMachineFactory, (LocalMachineFactory, Recorder) async throws -> Bool) async throws -> Void
    ) async throws {
        try await CacheTests.withFactory { made in
            var factory = made
            let use = { (factory: LocalMachineFactory, events: Recorder) in
                let count = Counter()
                try await withUndo { undo in
                    let build = try await factory.open(AssetID("a"), in: Scope(undo, events: events.sink))
                    _ = try await CacheTests.access(factory, build, events).obtain(.base, "k", inputs: [:]) {
                        count.increase()
                        try Self.makeTree("\(build.workspace)/tree")
                        return "\(build.workspace)/tree"
                    }
                }
                return count.value == 1
            }
            let isMade = try await use(factory, Recorder())
            #expect(isMade)
            let cache = factory.cache
            var record = try #require(ContentRecord.read(cache.contents(.base, "k")))
            for part in record.parts.indices { record.parts[part].checked -= age }
            try record.write(cache.contents(.base, "k"))
            try change(cache.tree(.base, "k"))
            // As if the times of the files were the same as before.
            var manifest = try #require(CacheEntryManifest.read(cache.manifest(.base, "k")))
            manifest.fingerprint = try await factory.runner.run(.fingerprint(of: cache.tree(.base, "k"))).trimmedLine
            try manifest.write(cache.manifest(.base, "k"))
            try await body(&factory, use)
        }
    }

    @Test("a change that leaves no trace is found by the first build after a day", arguments: changes)
    func changed(_ row: (name: String, change: @Sendable (String) throws -> Void)) async throws {
        try await Self.withChangedEntry(age: 90_000, row.change) { factory, use in
            let events = Recorder()
            let isMade = try await use(factory, events)
            #expect(isMade, "\(row.name)")
            #expect(
                events.warnings == [
                    "the cached base system k cannot be used: the contents of some of its files have changed; rebuilding it"
                ])
            let isMadeAgain = try await use(factory, events)
            #expect(!isMadeAgain && events.warnings.count == 1)
        }
    }

    @Test("a clock that was set back does not keep an entry from being read")
    func future() async throws {
        try await Self.withChangedEntry(age: -90_000, Self.changes[0].change) { factory, use in
            let isMade = try await use(factory, Recorder())
            #expect(isMade)
        }
    }

    @Test("within a day, and without time, a build reads nothing; the verification of the cache reads everything")
    func verified() async throws {
        for (age, budget) in [(3600.0, Duration.seconds(1)), (90_000, .zero)] {
            try await Self.withChangedEntry(age: age, Self.changes[0].change) { factory, use in
                factory.contentBudget = budget
                let isMade = try await use(factory, Recorder())
                #expect(!isMade)
                let found = try await factory.verifyCache(isDryRun: true).removed.map(\.key)
                #expect(found == ["k"] && fileExists(factory.cache.tree(.base, "k")))
                let removed = try await factory.verifyCache(isDryRun: false).removed.map(\.key)
                #expect(removed == ["k"] && !fileExists(factory.cache.tree(.base, "k")))
            }
        }
    }

    @Test("an entry without a record is used, until all contents are to be verified; a damaged record is made again")
    func records() async throws {
        try await Self.withChangedEntry(age: 0, Self.nothing) { factory, use in
            unlink(factory.cache.contents(.base, "k"))
            let isMade = try await use(factory, Recorder())
            #expect(!isMade)
            let unverifiable = try await factory.verifyCache(isDryRun: true).removed.map(\.key)
            #expect(unverifiable == ["k"])
            try writeAtomically("{}", to: factory.cache.contents(.base, "k"))
            let isMadeAgain = try await use(factory, Recorder())
            #expect(isMadeAgain)
        }
    }

    @Test("a build with little time reads one part, and the builds of a week read all of them")
    func rotation() async throws {
        try await withTemporaryDirectory { tree in
            for index in 0..<200 { try writeAtomically("\(index)", to: "\(tree)/\(index)") }
            // No regular file, and none that can be read: it would block.
            #expect(mkfifo("\(tree)/pipe", 0o600) == 0 && symlink("/dev/zero", "\(tree)/link") == 0)
            let latin = RawPath(tree).appending([0x66, 0xFC, 0x72])
            let file = latin.withCString { open($0, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600) }
            #expect(file >= 0)
            close(file)
            var record = try await ContentRecord(of: tree, now: 0)
            for build in 1...ContentRecord.count {
                try await record.check(tree, within: .nanoseconds(1), now: 100_000)
                let checked = record.parts.count { $0.checked == 100_000 }
                #expect(checked == build)
            }
            #expect(!record.isChanged)
            try writeAtomically("x", to: "\(tree)/7")
            try await record.check(tree, within: .seconds(60), now: 150_000)
            #expect(!record.isChanged)
            try await record.check(tree, within: .seconds(60), now: 200_000)
            let unread = record.parts.count { $0.checked < 200_000 }
            #expect(record.isChanged && unread == 1)
        }
    }
}

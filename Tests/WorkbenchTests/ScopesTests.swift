import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct ScopesTests {
    struct Broken: Error {}

    @Test func cleanUpRunsAfterSuccessAndAfterAnError() async throws {
        let count = Atomic(0)
        let result = await finally {
            7
        } cleanup: {
            count.add(1, ordering: .relaxed)
        }
        #expect(result == 7)
        await #expect(throws: Broken.self) {
            try await finally {
                throw Broken()
            } cleanup: {
                count.add(1, ordering: .relaxed)
            }
        }
        #expect(count.load(ordering: .relaxed) == 2)
    }

    @Test func aChildReadsAFileThatHasNoName() async throws {
        try await withNamelessFile("secret") { path in
            let show = #"cat "$1" "$1"; readlink "$1"; stat --dereference --format=%a "$1""#
            let shown = try await SystemCommandRunner().run(Command("sh", ["-c", show, "sh", path]))
            #expect(shown.hasPrefix("secretsecret/"))
            #expect(shown.hasSuffix(" (deleted)\n600\n"))
        }
    }

    @Test func cleanUpOfACancelledTaskRunsToItsEnd() async throws {
        let wasCancelled = Mutex<Bool?>(nil)
        let work = Task {
            try await finally {
                try await Task.sleep(for: .seconds(60))
            } cleanup: {
                try? await Task.sleep(for: .milliseconds(20))
                wasCancelled.withLock { $0 = Task.isCancelled }
            }
        }
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(wasCancelled.withLock { $0 } == false)
    }

    @Test func aTemporaryDirectoryIsPrivateAndRemovedWithAllInIt() async throws {
        let path = try await withTemporaryDirectory { path in
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
            try makeDirectory("\(path)/a/b/c")
            try writeAtomically("text", to: "\(path)/a/b/c/file")
            return path
        }
        #expect(!fileExists(path))
    }

    @Test("a program in memory is run by another process, and gone with its value")
    func programInMemory() async throws {
        var program: ProgramInMemory? = try ProgramInMemory("#!/bin/sh\necho \"$1 of $NAME\"\n")
        let path = try #require(program).path
        let command = Command(path, ["a b"], environment: ["NAME": "x"])
        #expect(try await SystemCommandRunner().run(command) == "a b of x\n")
        program = nil
        #expect(!fileExists(path))
    }

    @Test func aTemporaryDirectoryIsRemovedWhenItsTaskIsCancelled() async throws {
        let seen = Mutex("")
        let work = Task {
            try await withTemporaryDirectory { path in
                seen.withLock { $0 = path }
                try await Task.sleep(for: .seconds(60))
            }
        }
        while seen.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(fileExists(seen.withLock { $0 }))
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(!fileExists(seen.withLock { $0 }))
    }

    @Test func aTimeLimitEndsWhatTakesLonger() async throws {
        let error = await #expect(throws: TimedOut.self) {
            try await withTimeout(.milliseconds(50), "sleeping") { try await Task.sleep(for: .seconds(60)) }
        }
        #expect(error?.description == "sleeping timed out after 0.05 seconds")
        #expect(try await withTimeout(.seconds(60), "adding") { 1 + 1 } == 2)
        await #expect(throws: Broken.self) { try await withTimeout(.seconds(60), "failing") { throw Broken() } }
    }

    @Test func cancellationFromOutsideIsNotATimeLimit() async throws {
        let work = Task { try await withTimeout(.seconds(60), "x") { try await Task.sleep(for: .seconds(60)) } }
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}

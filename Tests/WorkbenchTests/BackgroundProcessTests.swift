import FoundationEssentials
import Glibc
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct BackgroundProcessTests {
    let runner = SystemCommandRunner()

    @Test func aStartedProgramGoesOnAndWritesItsLog() async throws {
        try await withTemporaryDirectory { directory in
            let process = try await runner.start(shell("echo started; sleep 60"), log: "\(directory)/log")
            #expect(process.isAlive)
            try await withTimeout(.seconds(10), "the log") {
                while try readText("\(directory)/log") != "started\n" { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(getsid(process.pid) == process.pid)
            await process.stop()
            #expect(!process.isAlive)
        }
    }

    @Test func aProgramThatIgnoresTheFirstSignalIsKilled() async throws {
        try await withTemporaryDirectory { directory in
            let command = shell("trap '' TERM; touch \(directory)/ready; while :; do sleep 0.1; done")
            let process = try await runner.start(command, log: "\(directory)/log")
            while !fileExists("\(directory)/ready") { try await Task.sleep(for: .milliseconds(10)) }
            await process.stop(grace: .milliseconds(300))
            #expect(!process.isAlive)
        }
    }

    @Test func aLogThatCannotBeWrittenIsAnError() async throws {
        await #expect(throws: CommandFailure.self) {
            try await runner.start(Command("sleep", ["60"]), log: "/nowhere/at/all/log")
        }
    }

    @Test func aReusedNumberIsNotMistakenForTheProcess() async throws {
        try await withTemporaryDirectory { directory in
            let process = try await runner.start(Command("sleep", ["60"]), log: "\(directory)/log")
            let text = try #require(
                String(bytes: JSONEncoder().encode(process), encoding: .utf8)?
                    .replacing("\(process.startTime)", with: "\(process.startTime - 1)"))
            let earlier = try JSONDecoder().decode(BackgroundProcess.self, from: Data(text.utf8))
            #expect(earlier.pid == process.pid)
            #expect(!earlier.isAlive)
            await earlier.stop()
            #expect(process.isAlive)
            await process.stop()
        }
    }

    @Test func processesAreFoundByTheirCommandLine() async throws {
        try await withTemporaryDirectory { directory in
            let process = try await runner.start(
                Command("sleep", ["60.0625", "0"]), log: "\(directory)/log")
            let isOurs: ([String]) -> Bool = { $0 == ["sleep", "60.0625", "0"] }
            while BackgroundProcess.all(where: isOurs).isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            #expect(BackgroundProcess.all(where: isOurs) == [process])
            await process.stop()
            #expect(BackgroundProcess.all(where: isOurs) == [])
        }
    }

    @Test func aNameWithBlanksAndParenthesesIsRead() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory("\(directory)/7")
            let fields = ["S", "1", "42"] + (0..<16).map { "\($0)" } + ["4711", "0"]
            try writeAtomically("7 (a ) R 1 (b)) " + fields.joined(separator: " "), to: "\(directory)/7/stat")
            let status = try #require(ProcessStatus(pid: 7, in: directory))
            #expect(status.group == 42)
            #expect(status.startTime == 4711)
            #expect(!status.isDead)
        }
    }

    @Test func nobodyIsNoProcess() {
        #expect(BackgroundProcess(pid: Int32.max) == nil)
    }
}

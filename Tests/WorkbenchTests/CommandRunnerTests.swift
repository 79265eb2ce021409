import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Workbench

/// Collects the output lines of a program.
final class Lines: Sendable {
    private let state = Mutex<[(stream: OutputStream, text: String)]>([])

    var all: [String] { state.withLock { $0.map(\.text) } }

    func of(_ stream: OutputStream) -> [String] { state.withLock { $0.filter { $0.stream == stream }.map(\.text) } }
    func add(_ stream: OutputStream, _ text: String) { state.withLock { $0.append((stream, text)) } }

    /// Waits until a line satisfies a condition.
    func first(where matches: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await withTimeout(.seconds(20), "waiting for a line") {
            while true {
                if let line = self.all.first(where: matches) { return line }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}

func shell(_ script: String, _ arguments: [String] = [], input: Command.Input = .none) -> Command {
    Command("sh", ["-c", script, "sh"] + arguments, input: input)
}

@Suite(.timeLimit(.minutes(1)))
struct CommandRunnerTests {
    @Test func anAttachedProgramEndsAsItEnds() async throws {
        #expect(try await SystemCommandRunner().attach(Command("sh", ["-c", "exit 3"])) == .exited(3))
        #expect(try await SystemCommandRunner().attach(Command("sh", ["-c", "kill -9 $$"])) == .signaled(9))
        await #expect(throws: ToolMissing.self) { try await SystemCommandRunner().attach(Command("no-such-tool")) }
    }

    let runner = SystemCommandRunner()

    @Test func outputComesBackAsItWasPrinted() async throws {
        let output = try await runner.execute(shell(#"printf 'a\r\nb'; printf 'no end' >&2"#))
        #expect(output == CommandOutput(standardOutput: "a\r\nb", standardError: "no end"))
    }

    @Test(arguments: [
        (#"a\nb\n"#, ["a", "b"]),
        (#"a\nb"#, ["a", "b"]),
        (#"a\n\nb\n"#, ["a", "", "b"]),
        (#"a\r\nb\r\n"#, ["a", "b"]),
        (#"1%%\r2%%\r3%%\n"#, ["1%", "2%", "3%"]),
        (#"\342\200\250 stays in its line\n"#, ["\u{2028} stays in its line"]),
        ("", []),
    ])
    func outputIsSplitIntoLines(printed: String, expected: [String]) async throws {
        let lines = Lines()
        try await runner.run(shell("printf '\(printed)'")) { lines.add($0, $1) }
        #expect(lines.all == expected)
    }

    /// The program continues only after its line was received, so the test needs no clock to see that
    /// lines arrive immediately.
    @Test func aProgressLineComesBeforeTheNextOne() async throws {
        try await withTemporaryDirectory { directory in
            let lines = Lines()
            let script = #"""
                heard() { n=0; until [ -e "$1" ]; do n=$((n + 1)); [ $n -lt 1000 ] || exit 1; sleep 0.01; done; }
                printf '    (12.00/100%%)\r'; heard "$1/1"; printf '    (50.00/100%%)\r'; heard "$1/2"
                """#
            try await runner.run(shell(script, [directory])) { stream, line in
                lines.add(stream, line)
                _ = FileManager.default.createFile(atPath: "\(directory)/\(lines.all.count)", contents: nil)
            }
            #expect(lines.all == ["    (12.00/100%)", "    (50.00/100%)"])
        }
    }

    @Test func bothStreamsAreToldApart() async throws {
        let lines = Lines()
        try await runner.run(shell("echo out; echo err >&2")) { lines.add($0, $1) }
        #expect(lines.of(.standardOutput) == ["out"])
        #expect(lines.of(.standardError) == ["err"])
    }

    @Test func tenMegabytesOnBothStreamsComeWhole() async throws {
        let script = "head -c 10485760 /dev/zero | tr '\\0' x & head -c 10485760 /dev/zero | tr '\\0' y >&2; wait"
        let output = try await runner.execute(shell(script))
        #expect(output.standardOutput.utf8.count == 10_485_760)
        #expect(output.standardError.utf8.count == 10_485_760)
    }

    @Test func aLineMayBeAMegabyteLong() async throws {
        let lines = Lines()
        try await runner.run(shell("head -c 1048576 /dev/zero | tr '\\0' x; echo; echo next")) { lines.add($0, $1) }
        #expect(lines.all.map(\.utf8.count) == [1_048_576, 4])
    }

    @Test func inputReachesTheProgram() async throws {
        let text = String(repeating: "line of input\n", count: 100_000)
        #expect(try await runner.run(Command("cat", input: .text(text))) == text)
        #expect(try await runner.run(Command("cat")) == "")
    }

    @Test func aProgramThatDoesNotReadItsInputIsNoError() async throws {
        let text = String(repeating: "x", count: 1 << 20)
        #expect(try await runner.execute(shell("exit 3", input: .text(text))).status == .exited(3))
        #expect(try await runner.execute(shell("exec <&-; sleep 0.2", input: .text(text))).status == .exited(0))
    }

    @Test func programsDieOfBrokenPipesThoughThisProcessDoesNot() async throws {
        let ignored = try await runner.run(shell("sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status"))
        let mask = try #require(UInt64(ignored.trimmedLine, radix: 16))
        #expect(mask & 1 << UInt64(SIGPIPE - 1) == 0)
    }

    @Test(arguments: [
        ("exit 0", Workbench.ExitStatus.exited(0)), ("exit 1", .exited(1)), ("exit 255", .exited(255)),
        ("kill -TERM $$", .signaled(SIGTERM)), ("kill -KILL $$", .signaled(SIGKILL)),
    ])
    func theEndIsReportedAsItWas(script: String, status: Workbench.ExitStatus) async throws {
        #expect(try await runner.execute(shell(script)).status == status)
    }

    @Test func aFailureShowsTheLastLinesAndTheCommand() async throws {
        let command = shell("seq 30; echo 'no such thing' >&2; exit 4")
        let failure = try await #require(throws: CommandFailure.self) { try await runner.run(command) }
        #expect(failure.status == .exited(4))
        #expect(failure.lastLines.first == "16")
        #expect(failure.lastLines.last == "no such thing")
        #expect(failure.description.contains("sh failed with exit code 4"))
        #expect(failure.description.contains(command.shellLine))
    }

    @Test(arguments: ["no-such-program-anywhere", "/nowhere/program"])
    func aMissingProgramIsNamed(name: String) async throws {
        await #expect(throws: ToolMissing(executable: name)) { try await runner.execute(Command(name)) }
        await #expect(throws: ToolMissing(executable: name)) {
            try await runner.start(Command(name), log: "/dev/null")
        }
        await #expect(throws: ToolMissing(executable: name)) { try await runner.converse(Command(name)) { _ in } }
    }

    @Test func theProgramRunsWhereItIsToldTo() async throws {
        var command = Command("pwd")
        command.workingDirectory = "/usr/share"
        #expect(try await runner.run(command) == "/usr/share\n")
    }

    @Test func aMissingWorkingDirectoryIsNotAMissingProgram() async throws {
        var command = Command("pwd")
        command.workingDirectory = "/nowhere/at/all"
        do {
            _ = try await runner.execute(command)
            Issue.record("it ran somewhere else")
        } catch {
            #expect(!(error is ToolMissing), "\(error)")
        }
    }

    @Test func variablesAreSetAndRemoved() async throws {
        setenv("DSS_TEST_INHERITED", "here", 1)
        setenv("DSS_TEST_REMOVED", "here", 1)
        var command = shell(#"echo "$DSS_TEST_INHERITED,${DSS_TEST_REMOVED-unset},$DSS_TEST_SET""#)
        command.environment = ["DSS_TEST_REMOVED": nil, "DSS_TEST_SET": "a b"]
        #expect(try await runner.run(command) == "here,unset,a b\n")
    }

    @Test func aBackgroundChildThatHoldsTheOutputIsNotWaitedFor() async throws {
        let output = try await runner.execute(shell("echo done; sleep 600 & echo $!"))
        let words = output.standardOutput.split(separator: "\n")
        #expect(words.first == "done")
        let child = try #require(words.last.flatMap { Int32($0) }.flatMap(BackgroundProcess.init(pid:)))
        #expect(child.isAlive)
        await child.stop()
    }

    @Test(arguments: ["", "trap '' TERM;"])
    func cancellationEndsGrandchildrenToo(trap: String) async throws {
        let lines = Lines()
        // The child itself ends on SIGTERM; its own child, which may ignore SIGTERM, must not survive.
        let command = shell("sh -c '\(trap) echo $$; sleep 600; sleep 600' & wait")
        let work = Task { try await runner.execute(command) { lines.add($0, $1) } }
        let pid = try #require(Int32(try await lines.first { !$0.isEmpty }))
        let grandchild = try #require(BackgroundProcess(pid: pid))
        work.cancel()
        let status = try await work.value.status
        #expect(status == .signaled(SIGTERM))
        #expect(await grandchild.ended(within: .seconds(10)))
    }

    @Test func aCancelledRunThrows() async throws {
        let work = Task { try await runner.run(shell("sleep 60")) }
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}

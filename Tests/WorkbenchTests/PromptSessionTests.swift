import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct ConversationTests {
    let runner = SystemCommandRunner()

    @Test func questionsAreAnswered() async throws {
        let script = #"printf 'Name: '; read n; printf 'Grüße, %s\nAge: ' "$n" >&2; read a; echo "$n is $a""#
        try await runner.converse(shell(script)) { program in
            let heard1 = try await program.expect("name:")
            #expect(heard1 == "name:")
            try await program.send("Ada")
            let heard2 = try await program.expect("nothing", "AGE:")
            #expect(heard2 == "AGE:")
            try await program.send("36")
            let heard3 = try await program.finish()
            #expect(heard3 == " Ada is 36\n")
            let transcript = await program.transcript
            #expect(transcript == "Name: Grüße, Ada\nAge: Ada is 36\n")
        }
    }

    @Test func theTextThatComesFirstWins() async throws {
        try await runner.converse(shell("echo one two three two")) { program in
            let heard4 = try await program.expect("three", "two")
            #expect(heard4 == "two")
            let heard5 = try await program.expect("two", "three")
            #expect(heard5 == "three")
            let heard6 = try await program.expect("two")
            #expect(heard6 == "two")
            let heard7 = try await program.expect("two")
            #expect(heard7 == nil)
        }
    }

    @Test func aProgramThatEndsAnswersNothing() async throws {
        try await runner.converse(shell("echo 'bye'; exit 1")) { program in
            let heard8 = try await program.expect("password:")
            #expect(heard8 == nil)
            try await program.send("too late")
            let transcript = await program.transcript
            #expect(transcript == "bye\n")
        }
    }

    @Test func theEndOfInputIsSeen() async throws {
        try await runner.converse(shell("cat; echo end")) { program in
            try await program.send("kept")
            let heard9 = try await program.finish()
            #expect(heard9 == "kept\nend\n")
        }
    }

    /// The program would run longer than the time limit of this test.
    @Test(.timeLimit(.minutes(5))) func aPromptThatNeverComesEndsWithTheTimeLimit() async throws {
        await #expect(throws: TimedOut.self) {
            try await withTimeout(.milliseconds(300), "the prompt") {
                try await runner.converse(shell("sleep 600")) { program in _ = try await program.expect("password:") }
            }
        }
    }

    @Test func aConversationLeavesNoProcess() async throws {
        let lines = try await runner.converse(shell("trap '' TERM; sleep 60 & echo $!; wait; sleep 60")) { program in
            _ = try await program.expect("\n")
            return await program.transcript
        }
        let pid = try #require(Int32(lines.trimmedLine))
        #expect(BackgroundProcess(pid: pid) == nil)
    }
}

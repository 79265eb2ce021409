import Testing

@testable import Reporting
@testable import Sandbox

struct FailureTests {
    struct Odd: Error {}

    @Test func aFailedTask() throws {
        let failure = Failure(
            .failed, "the playbook failed at task 3 of 31",
            details: ["the machine is kept:", "  ssh -F config sandbox"],
            advice: "dss create-vm --start-at-task 'jupyter : install JupyterLab'")
        try expectGolden(failure.text(Samples.narrow, task: Samples.failedTask), "failure-task")
        try expectGolden(failure.text(Samples.colored, task: Samples.failedTask), "failure-task-color")
        try expectGolden(failure.event(task: Samples.failedTask) + failure.event(), "failure-event")
    }

    @Test func mistakesInAFileStayWhereEditorsLookForThem() throws {
        let failure = Failure(
            .badData, "sandbox.yaml has 2 errors",
            details: [
                "sandbox.yaml:3:5: error: unknown key 'dsk'\n    dsk: 20\n    ^~~ did you mean 'disk'?",
                "/etc/my files/sandbox.yaml:12:1: error: at 12:30:00 it was\ttoo late",
                "note: 12: this is no place",
            ], advice: "dss definition --help\nshows every key")
        try expectGolden(failure.text(.piped), "failure-diagnostics")
    }

    @Test func whateverIsThrownBecomesAFailure() {
        let leftBehind = LeftBehind(
            cause: Failure(.failed, "no space left", details: ["df says 0"], advice: "make room"),
            leftovers: ["mount /x could not be removed: busy; remove it with: umount /x"])
        let failure = Failure(of: leftBehind)
        #expect(failure.code == .failed)
        #expect(failure.advice == "make room")
        #expect(
            failure.details == [
                "df says 0", "left behind:", "  mount /x could not be removed: busy; remove it with: umount /x",
            ])
        #expect(Failure(of: LeftBehind(cause: CancellationError(), leftovers: [])).code == .interrupted)
        let kept = LeftBehind(cause: Failure(.failed, "no"), leftovers: [], kept: ["the machine was kept"])
        #expect(Failure(of: kept).details == ["the machine was kept"])
        #expect(Failure(of: CancellationError()).code == .interrupted)
        #expect(Failure(of: Odd()).code == .bug)
    }

    @Test func aWarningOfSeveralLinesIsIndented() {
        #expect(Message.warning("a\nb", Samples.ascii) == "warning: a\n  b\n")
    }

    @Test func aLongSentenceIsBrokenBetweenWordsOnATerminal() {
        let sentence = "the images of an earlier build are replaced as soon as the new ones are complete and published"
        let broken = Message.warning("\(sentence)\n\(sentence)", Samples.ascii).split(separator: "\n")
        let wide = broken.filter { $0.count > 80 }
        #expect(broken.count == 4 && wide == [] && broken[1].hasPrefix("  "), "\(broken)")
        #expect(broken.prefix(2).joined(separator: " ").replacing("   ", with: " ") == "warning: \(sentence)")
        #expect(Message.warning(sentence, .piped) == "warning: \(sentence)\n")
        let command = "\(sentence); to see them, run: sudo dss show-assets --bucket /var/lib/dss/bucket"
        #expect(Message.warning(command, Samples.ascii) == "warning: \(command)\n")
        let path = "/" + String(repeating: "a", count: 90)
        #expect(Message.warning("no file \(path)", Samples.ascii) == "warning: no file\n  \(path)\n")
    }

    @Test func aMessageCannotWriteToTheTerminalAsItLikes() {
        let failure = Failure(.failed, "a\u{1B}[2Jb\u{7}", details: ["\u{1B}]0;title\u{7}c\r\nd"])
        #expect(failure.text(.piped) == "dss: error: ab\n  c\n  d\n")
    }
}

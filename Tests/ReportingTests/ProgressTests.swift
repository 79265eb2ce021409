import Sandbox
import Testing

@testable import Reporting

struct ProgressTests {
    /// Puts each write on separate lines, so that a golden file shows what it replaces.
    private func transcript(_ progress: some ProgressRenderer, _ events: [(BuildEvent, at: Double)]) -> String {
        var progress = progress
        var writes = events.map { progress.feed($0.0, at: $0.at) }
        writes.append(progress.clear())
        return writes.filter { !$0.isEmpty }.map { "» \($0)\n" }.joined()
    }

    /// The contents of the screen at the end.
    private func written(_ progress: some ProgressRenderer, _ events: [(BuildEvent, at: Double)]) -> String {
        var progress = progress
        return events.map { progress.feed($0.0, at: $0.at) }.joined()
    }

    @Test func aTerminalOf80Columns() throws {
        try expectGolden(transcript(TerminalProgress(Samples.narrow), Samples.build()), "progress-80")
    }

    @Test func aTerminalOf160ColumnsWithToolOutput() throws {
        let progress = TerminalProgress(Samples.wide, isVerbose: true)
        try expectGolden(transcript(progress, Samples.build()), "progress-160-verbose")
    }

    @Test func aTerminalInColorAndOneWithoutUnicode() throws {
        try expectGolden(transcript(TerminalProgress(Samples.colored), Samples.failingBuild), "progress-color-failed")
        try expectGolden(transcript(TerminalProgress(Samples.ascii), Samples.failingBuild), "progress-ascii-failed")
    }

    @Test func anInterruptedStageDidNotFail() {
        let events: [(BuildEvent, at: Double)] = [
            (.stageStarted(.install), 0), (.stageFinished(.install, seconds: 4.3, outcome: .interrupted), 4.3),
        ]
        let terminal = written(TerminalProgress(Samples.ascii), events)
        #expect(terminal.hasSuffix("-      install        4.3 s  interrupted\n"), "\(terminal)")
        #expect(written(PlainProgress(), events).hasSuffix("install: interrupted in 4.3 s\n"))
    }

    @Test func aPasswordIsReadableInEveryForm() {
        let events: [(BuildEvent, at: Double)] = [(.passwordSet(user: "lab", Secret("geheim")), 1)]
        let line = "note: the default password of lab is now geheim; it is stored nowhere\n"
        #expect(written(TerminalProgress(Samples.ascii), events).hasSuffix(line))
        #expect(written(PlainProgress(), events) == line)
        #expect(
            written(JSONProgress(), events)
                == #"{"event":"password-set","at":1,"user":"lab","default_password":"geheim"}"# + "\n")
    }

    @Test func aPipe() throws {
        try expectGolden(written(PlainProgress(), Samples.build() + Samples.failingBuild), "progress-plain")
        try expectGolden(written(PlainProgress(isVerbose: true), Samples.build()), "progress-plain-verbose")
    }

    @Test func aPipeIsNotSilentDuringALongTask() {
        var progress = PlainProgress()
        let task = Progress("jupyter : install JupyterLab", completed: 2, total: 31, unit: .tasks)
        #expect(progress.tick(at: 100) == "")
        #expect(progress.feed(.stageStarted(.install), at: 100) == "install: started\n")
        #expect(progress.tick(at: 129.9) == "")
        #expect(progress.tick(at: 130) == "install: running (for 30 s)\n")
        #expect(progress.feed(.progress(.install, task), at: 131) == "")
        #expect(progress.tick(at: 159) == "")
        #expect(progress.tick(at: 160) == "install: jupyter : install JupyterLab (task 2 of 31, for 29 s)\n")
        #expect(progress.tick(at: 189) == "")
        #expect(progress.tick(at: 256) == "install: jupyter : install JupyterLab (task 2 of 31, for 2 min 05 s)\n")
        // Whatever is printed breaks the silence.
        #expect(progress.feed(.notice("a note"), at: 280) == "note: a note\n")
        #expect(progress.tick(at: 309) == "")
        #expect(
            progress.feed(.stageFinished(.install, seconds: 210, outcome: .done), at: 310).hasPrefix("install: done"))
        #expect(progress.tick(at: 400) == "")
        _ = progress.feed(.stageStarted(.export), at: 400)
        let transfer = Progress("vhd", completed: 512e6, total: 1300e6, unit: .bytes)
        #expect(progress.feed(.progress(.export, transfer), at: 401) == "export: vhd\n")
        #expect(progress.tick(at: 431) == "export: vhd (512 of 1300 MB, for 30 s)\n")
    }

    @Test func aPipeGetsNoControlCharacters() throws {
        let text = try written(PlainProgress(isVerbose: true), Samples.build())
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
    }

    @Test func aProgram() throws {
        try expectGolden(written(JSONProgress(), Samples.build() + Samples.failingBuild), "progress-json")
    }

    @Test func aTickRedrawsOnlyWhatHasChanged() {
        var progress = TerminalProgress(Samples.narrow)
        #expect(progress.tick(at: 0) == "")
        #expect(progress.feed(.stageStarted(.setup), at: 10) == "⠋ setup     0 s")
        #expect(progress.tick(at: 10) == "")
        #expect(progress.tick(at: 11.1) == "\r\u{1B}[2K⠙ setup     1 s")
        #expect(progress.clear() == "\r\u{1B}[2K")
        #expect(progress.clear() == "")
        #expect(progress.tick(at: 11.1) == "⠙ setup     1 s")
    }

    @Test func transfersSideBySideAreOneAndTheNextActivityReplacesThem() {
        var state = ProgressState()
        state.apply(.stageStarted(.export), at: 0)
        func shown(_ name: String, _ completed: Double) -> String? {
            state.apply(
                .progress(.export, Progress(name, completed: completed, total: 100e6, unit: .bytes)), at: 0)
            return state.render(Style(color: false, unicode: false, width: 100), now: 0)
        }
        #expect(shown("vhd", 50e6) == "| export    vhd  50 of 100 MB  [##########          ]  0 s")
        #expect(shown("vmdk", 0) == "| export    vhd, vmdk  50 of 200 MB  [#####               ]  0 s")
        _ = shown("vhd", 100e6)
        #expect(shown("vmdk", 100e6) == "| export    vhd, vmdk  200 of 200 MB  [####################]  0 s")
        #expect(shown("compare vhd", 0) == "| export    compare vhd  0 of 100 MB  [                    ]  0 s")
    }

    @Test func theFailedTaskIsRememberedUntilSomethingWorksAgain() {
        var state = ProgressState()
        for (event, at) in Samples.failingBuild { state.apply(event, at: at) }
        #expect(state.failedTask == Samples.failedTask)
        state.apply(.stageStarted(.install), at: 6)
        state.apply(.task(Samples.task(1, "jupyter", "again", .ok)), at: 7)
        #expect(state.failedTask == nil)
    }

    @Test func progressOfAStageThatIsOverIsNotShown() {
        var state = ProgressState()
        state.apply(.stageStarted(.seal), at: 0)
        state.apply(.progress(.install, Progress("late")), at: 0)
        #expect(state.render(Samples.ascii, now: 0) == "| seal      0 s")
    }

    @Test(arguments: [
        "jupyter : install JupyterLab", "漢字かな交じり文の長い活動の名前", "e\u{301}e\u{301}e\u{301}e\u{301} 👩‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️ क्षत्रिय",
        String(repeating: "/a/very/long/path", count: 30), "tab\tand\nbreak \u{1B}[31mred\u{1B}[0m", "",
    ])
    func theLiveLineIsNeverWiderThanTheTerminal(activity: String) throws {
        for progress in [
            Progress(activity), Progress(activity, completed: 12, total: 31, unit: .tasks),
            Progress(activity, completed: 5e8, total: 13e8, unit: .bytes),
            Progress(activity, completed: .nan, total: .infinity, unit: .percent),
        ] {
            for unicode in [true, false] {
                for width in 1...170 {
                    var state = ProgressState()
                    state.apply(.stageStarted(.install), at: 0)
                    state.apply(.task(Samples.task(1, "poetry", "install", .changed)), at: 1)
                    state.apply(.progress(.install, progress), at: 1)
                    let line = state.render(Style(color: false, unicode: unicode, width: width), now: 4000)
                    // Ctrl-C prints ^C behind it.
                    #expect(try #require(line).displayWidth <= max(1, width - 3))
                }
            }
        }
    }
}

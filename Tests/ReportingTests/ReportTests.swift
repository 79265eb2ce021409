import Sandbox
import Testing

@testable import Reporting

struct ReportTests {
    @Test(arguments: [
        ("80", Samples.narrow), ("160", Samples.wide), ("piped", Style.piped), ("color", Samples.colored),
    ])
    func aFinishedBuild(name: String, style: Style) throws {
        try expectGolden(Samples.report().text(style, password: Samples.password), "report-\(name)")
    }

    @Test func aBuildThatHadNothingToDo() throws {
        try expectGolden(Samples.upToDate().text(Samples.narrow), "report-up-to-date")
    }

    @Test func markdownAndJSON() throws {
        try expectGolden(Samples.report().markdown, "report-markdown")
        try expectGolden(Samples.report().json(password: Samples.password).pretty, "report-json")
        try expectGolden(Samples.report().event(), "report-event")
    }

    @Test func aReleaseOnAWS() throws {
        let release = try Samples.release()
        try expectGolden(release.text(Samples.narrow, password: Samples.password), "release-80")
        try expectGolden(release.markdown, "release-markdown")
        try expectGolden(release.json(password: Samples.password).pretty, "release-json")
    }

    @Test func aPasswordIsShownOnlyForTheBuildThatSetIt() throws {
        let built = try Samples.report()
        let old = try Samples.upToDate()
        let secret = Samples.password.reveal
        #expect(built.text(Samples.narrow, password: Samples.password).contains(secret))
        #expect(!built.text(Samples.narrow).contains("stored nowhere"))
        #expect(!old.text(Samples.narrow, password: Samples.password).contains(secret))
        #expect(!old.event(password: Samples.password).contains(secret))
    }

    /// Only lines that are meant to be copied may be wider.
    @Test func aReportKeepsToTheTerminal() throws {
        let lines = try Samples.report().text(Samples.narrow, password: Samples.password).split(separator: "\n")
        #expect(lines.filter { $0.displayWidth > 80 }.allSatisfy { $0.hasPrefix("next:") })
    }

    @Test func aReportWithoutAnythingIsStillAReport() throws {
        let report = BuildReport(assetID: try AssetID("1"), provider: "local", user: "u", jupyterPort: 1)
        #expect(report.text(Samples.narrow).contains("no images"))
        #expect(report.markdown.contains("nothing to do"))
    }

    @Test func theNextCommandCanBeCopiedWithAnyPath() throws {
        var report = try Samples.upToDate()
        report.artifacts[0].location = "/bucket/it's 6.0/x.vhd"
        #expect(report.nextCommand == #"dss verify-vm '/bucket/it'\''s 6.0/x.vhd' --ask-default-password"#)
        #expect(report.directory == nil)
    }
}

import Sandbox
import Testing

@testable import Reporting

struct VerificationTests {
    @Test(arguments: [
        ("80", Samples.narrow), ("160", Samples.wide), ("piped", Style.piped), ("color", Samples.colored),
    ])
    func text(name: String, style: Style) throws {
        try expectGolden(Samples.verification.text(style), "verification-\(name)")
    }

    @Test func otherForms() throws {
        try expectGolden(Samples.verification.json.pretty, "verification-json")
        try expectGolden(Samples.verification.markdown, "verification-markdown")
        let lines = Samples.verification.checks.map { $0.line(Samples.narrow) }
        try expectGolden(lines.joined(), "verification-lines")
    }

    @Test(arguments: [
        ([], false), ([CheckResult.Outcome.passed], true), ([.skipped], false), ([.passed, .skipped], true),
        ([.passed, .failed], false),
    ])
    func itPassesOnlyWhenSomethingWasProvedAndNothingFailed(outcomes: [CheckResult.Outcome], passes: Bool) {
        let checks = outcomes.map { CheckResult(name: "x", outcome: $0, seconds: 1) }
        let report = VerificationReport(image: "i", hardware: "qemu", accelerator: "tcg", checks: checks)
        #expect(report.passed == passes)
    }
}

import AWSTestSupport
import Foundation
import Sandbox
import Testing
import Workbench

@testable import Releasing

@Suite("Release check")
struct CheckTests {
    private static let good = """
        # Changelog

        ## [Unreleased]

        <!-- nothing yet -->

        ## [1.2.0] - 2026-11-24

        ### Added

        - A thing.

        ## [1.1.0] - 2026-02-28

        - Another.

        [1.2.0]: https://example.com/1.2.0
        """

    private func mistakes(_ version: String, _ text: String, tags: [String]? = ["1.2.0"]) -> [String] {
        ReleaseCheck(
            version: version, place: "sandbox.yaml:7", changelog: Changelog(text, path: "CHANGELOG.md"), tags: tags
        ).mistakes
    }

    @Test("all agree", arguments: [["1.2.0"], ["latest", "v1.2.0"], nil])
    func agreement(tags: [String]?) {
        #expect(mistakes("1.2.0", Self.good, tags: tags).isEmpty)
    }

    @Test(
        "each mistake names its file and line",
        arguments: [
            ("1.3.0", good, "CHANGELOG.md:7: no section for 1.3.0; the newest section is 1.2.0"),
            ("1.1.0", good, "CHANGELOG.md:7: the newest section is 1.2.0, not 1.1.0"),
            ("one", good, "sandbox.yaml:7: 'one' is not a semantic version such as 1.2.0"),
            ("01.2.0", good, "sandbox.yaml:7: '01.2.0' is not a semantic version such as 1.2.0"),
            ("1.2.0", "## 1.2.0\n- x", "CHANGELOG.md:1: 1.2.0 has no date"),
            ("1.2.0", "## [1.2.0] - 2026-02-29\n- x", "CHANGELOG.md:1: '2026-02-29' is not a date such as 2026-11-24"),
            ("1.2.0", "\n## [1.2.0] - 2024-02-29\n### Added\n", "CHANGELOG.md:2: the section is empty"),
            ("1.2.0", "", "CHANGELOG.md:1: no section for 1.2.0"),
            (
                "1.2.0", "## [Unreleased]\n- y\n## [1.2.0] - 2026-11-24\n- x",
                "CHANGELOG.md:1: the section Unreleased is not empty"
            ),
        ])
    func mistake(version: String, text: String, expected: String) {
        #expect(mistakes(version, text, tags: nil).contains(expected), "\(mistakes(version, text, tags: nil))")
    }

    @Test("the tag is compared, and all mistakes are reported at once")
    func tags() {
        #expect(
            mistakes("1.2.0", Self.good, tags: []) == [
                "sandbox.yaml:7: the version is 1.2.0, but the commit has no tag; add it with: git tag 1.2.0"
            ])
        #expect(mistakes("1.2.0", "## [1.2.0]\n", tags: ["1.1.0"]).count == 3)
    }

    @Test("a section is what stands between two headings")
    func section() {
        let changelog = Changelog(Self.good.replacing("\n", with: "\r\n"), path: "x")
        #expect(changelog.section("1.2.0")?.text == "### Added\n\n- A thing.")
        #expect(changelog.section("1.1.0")?.text == "- Another.")
        #expect(changelog.section("1.1.0")?.date == "2026-02-28")
    }

    @Test("the project's own changelog and definition agree")
    func ourselves() async throws {
        let said = try await ReleasePublisher.dss(["release", "check", "--untagged"], in: PythonProcess.root.path())
        #expect(said.status.isSuccess, "\(said.errors)")
    }

    @Test("dss reports all mistakes in a clone, or that there are none")
    func program() async throws {
        try await withTemporaryDirectory { folder in
            _ = try SandboxFolder(in: folder)
            let git = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
            func run(_ words: String...) async throws {
                try await SystemCommandRunner().run(Command("git", ["-C", folder] + git + words))
            }
            try await run("init", "--quiet")
            try await run("commit", "--quiet", "--allow-empty", "-m", "x")
            try writeAtomically("# Changelog\n\n## [0.9.0] - today\n- x\n", to: "\(folder)/CHANGELOG.md")
            let bad = try await ReleasePublisher.dss(["release", "check"], in: folder)
            #expect(bad.status == .exited(65))
            #expect(bad.errors.contains("CHANGELOG.md:3: no section for 1.0.0"))
            #expect(bad.errors.contains("sandbox.yaml:2: the version is 1.0.0, but the commit has no tag"))
            try await run("tag", "v1.0.0")
            try makeDirectory("\(folder)/docs/changes")
            try writeAtomically(
                "# Sandbox 1.0.0, released 2026-11-24\n\nMuch.\n", to: "\(folder)/docs/changes/changes_1.0.0.md")
            let good = try await ReleasePublisher.dss(["release", "check"], in: folder)
            #expect(good.output == "1.0.0: definition, changelog and tag agree\n", "\(good.errors)")
        }
    }
}

import Foundation
import Sandbox
import Testing

@testable import Releasing

@Suite("Release notes")
struct NotesTests {
    @Test(
        "go between their markers, and all else stays",
        arguments: [
            ("", "<!-- dss:begin -->\nnew\n<!-- dss:end -->"),
            ("Words.", "Words.\n\n<!-- dss:begin -->\nnew\n<!-- dss:end -->"),
            ("a\n<!-- dss:begin -->\nold\n<!-- dss:end -->\nb", "a\n<!-- dss:begin -->\nnew\n<!-- dss:end -->\nb"),
        ])
    func markers(before: String, after: String) throws {
        #expect(try NotesBody(before, of: "x").with("new") == after)
        #expect(try NotesBody(after, of: "x").with("new") == nil)
    }

    @Test("are the same to it whatever line ends GitHub's editor has made of them")
    func lineEnds() throws {
        let body = try #require(try NotesBody("Words.\r\n", of: "x").with("one\ntwo"))
        #expect(body.hasPrefix("Words.\r\n"))
        #expect(try NotesBody(body.replacing("\n", with: "\r\n"), of: "x").with("one\ntwo") == nil)
    }

    @Test(
        "are not guessed where the markers are no pair",
        arguments: [
            "<!-- dss:begin -->", "<!-- dss:end --> <!-- dss:begin -->",
            "<!-- dss:begin --><!-- dss:end --><!-- dss:begin --><!-- dss:end -->",
        ])
    func broken(body: String) throws {
        #expect { try NotesBody(body, of: "release 7") } throws: {
            ($0 as? Failure)?.code == .badData && "\($0)".contains("release 7")
        }
    }

    @Test("longer than GitHub takes are not sent")
    func length() throws {
        let body = try NotesBody("", of: "x")
        #expect(throws: Failure.self) { try body.with(String(repeating: "é", count: 125_000)) }
    }

    @Test("name every file with size and digest, every AMI, the pull line and each way to start")
    func contents() throws {
        let notes = ReleaseNotes(
            try sampleRelease(), changes: "### Added\n- All of it <!-- dss:end -->",
            containerImage: "example/sandbox:0.1.0"
        ).markdown
        for expected in [
            "### Added",
            "| [sandbox.vhd](data_science_sandbox/0.1.0/sandbox.vhd) | Hyper-V, VirtualBox | 1.36 GB | `a1a1",
            "| eu-central-1 | `ami-0123456789abcdef0` | Sandbox-0.1.0 (private) |\n| us-east-1 |",
            "docker pull example/sandbox:0.1.0", "### VirtualBox", "### VMware", "### Hyper-V", "### QEMU", "### AWS",
            "sandbox.qcow2,format=qcow2", "| not available |", "[SHA256SUMS](data_science_sandbox/0.1.0/SHA256SUMS)",
            "## How to start", "[START.md](data_science_sandbox/0.1.0/START.md)",
        ] {
            #expect(notes.contains(expected), "\(expected)")
        }
        #expect(!notes.contains(NotesBody.end), "the changelog cannot end the part")
    }

    @Test("missing parts are left out")
    func sparse() throws {
        var release = try sampleRelease()
        (release.files, release.images) = ([], [])
        #expect(ReleaseNotes(release, changes: "", containerImage: nil).markdown == "")
    }
}

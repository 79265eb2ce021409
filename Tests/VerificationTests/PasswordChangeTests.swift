import Sandbox
import Testing
import Workbench

@testable import Verification

struct PasswordChangeTests {
    @Test(arguments: [
        (PasswordChange.onTerminal, [String](), "", Verdict.passed("asked by passwd after the login")),
        (.loggedIn, ["Password:", "New password:"], "", .passed("asked during the login")),
        (.loggedIn, ["Password:"], "", .failed("'u' was let in without being asked for a new password")),
        (.rejected, [], "BAD PASSWORD", .failed("the new password was not taken: BAD PASSWORD")),
        (
            .ended, ["Password:"], "u@h: Permission denied (password).",
            .failed("the guest refuses the default password of 'u': u@h: Permission denied (password).")
        ),
        (.ended, ["New password:"], "Permission denied", .failed("the new password was not taken: Permission denied")),
        (.ended, [], "Connection reset", .failed("the login ended early: Connection reset")),
    ])
    func firstLoginsAreJudged(change: PasswordChange, asked: [String], heard: String, verdict: Verdict) {
        #expect(change.verdict(asked: asked, heard: heard, user: "u") == verdict)
    }
}

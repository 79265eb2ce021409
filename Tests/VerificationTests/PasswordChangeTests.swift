import Sandbox
import Testing
import Workbench

@testable import Verification

struct PasswordChangeTests {
    @Test(arguments: [
        (PasswordChange.onTerminal, [String](), "", Verdict.passed("prompted by passwd after login")),
        (.loggedIn, ["Password:", "New password:"], "", .passed("prompted during login")),
        (.loggedIn, ["Password:"], "", .failed("'u' could log in without a password change")),
        (.rejected, [], "BAD PASSWORD", .failed("the new password was rejected: BAD PASSWORD")),
        (
            .ended, ["Password:"], "u@h: Permission denied (password).",
            .failed("the guest rejected the default password of 'u': u@h: Permission denied (password).")
        ),
        (.ended, ["New password:"], "Permission denied", .failed("the new password was rejected: Permission denied")),
        (.ended, [], "Connection reset", .failed("the login ended early: Connection reset")),
    ])
    func firstLoginsAreJudged(change: PasswordChange, asked: [String], heard: String, verdict: Verdict) {
        #expect(change.verdict(asked: asked, heard: heard, user: "u") == verdict)
    }
}

import FoundationEssentials
import Glibc
import Testing

@testable import Workbench

@Suite(.timeLimit(.minutes(1)))
struct GitTests {
    @Test func gitRunsAsTheOwnerOfTheFolder() {
        let command = Command.git(in: "/clone", ["log"], as: (user: 1000, group: 100))
        #expect(command.executable == "setpriv")
        #expect(
            command.arguments == ["--reuid=1000", "--regid=100", "--clear-groups", "--", "git", "-C", "/clone", "log"])
        #expect(command.environment["GIT_CONFIG_GLOBAL"] == "/dev/null")
    }

    @Test func gitRunsAsTheUserWhoCallsIt() {
        #expect(Command.git(in: "/clone", ["tag"], as: nil) == Command("git", ["-C", "/clone", "tag"]))
    }

    /// Git accepts a folder of the user who called sudo, unless that variable is removed.
    @Test(arguments: [uid_t(0), 1000])
    func aFolderOfTheCallerOfSudoIsNotTrusted(owner: uid_t) {
        #expect(Command.git(in: "/clone", [], as: (user: owner, group: 0)).environment["SUDO_UID"] == .some(nil))
    }

    @Test(
        "a program that somebody's repository names does not run as root",
        .enabled(if: geteuid() == 0, "needs root to give files to another user"))
    func plantedProgram() async throws {
        try await withTemporaryDirectory(in: "/var/tmp") { folder in
            let runner = SystemCommandRunner()
            let (clone, trace) = ("\(folder)/clone", "\(folder)/trace")
            let script = #"""
                set -e
                chmod 0777 "$1"
                git init -q "$2"; cd "$2"
                printf '#!/bin/sh\nid -u >>%s\n' "$3" >evil; chmod 0755 evil
                tree=$(git write-tree)
                printf 'tree %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nx\n' "$tree" >c
                commit=$(git hash-object -t commit -w --literally c)
                git update-ref HEAD "$commit"
                git config gpg.program "$2/evil"; git config log.showSignature true
                chown -R 4711:4711 .
                """#
            try await runner.run(Command("sh", ["-c", script, "sh", folder, clone, trace]))
            let output = try await runner.execute(.git(in: clone, ["log", "--max-count=1", "--format=%H"]))
            #expect(output.status.isSuccess, "\(output.standardError)")
            #expect(((try? readText(trace)) ?? "").split(separator: "\n").allSatisfy { $0 == "4711" })
        }
    }
}

import Sandbox
import Testing
import Workbench

@testable import Verification

struct GuestLoginTests {
    private let login = GuestLogin(
        to: GuestAddress(host: "127.0.0.1", sshPort: 2222, jupyterPort: 1, consoleLog: ""), as: "ubuntu", in: "/private"
    )

    @Test func noSecretIsOnACommandLine() async throws {
        try await withTemporaryDirectory { directory in
            let login = GuestLogin(
                to: GuestAddress(host: "h", sshPort: 22, jupyterPort: 1, consoleLog: ""), as: "ubuntu", in: directory)
            try login.answer(with: Secret("sesame"), new: Secret("tahini"))
            for command in [login.command(["x"], terminal: true), login.shared(["x"]), login.hangUp, login.scan] {
                #expect(!"\(command)".contains("sesame") && !"\(command)".contains("tahini"))
            }
            let runner = SystemCommandRunner()
            let environment = login.command().environment
            let helper = try #require(environment["SSH_ASKPASS"].flatMap { $0 })
            for (prompt, answer) in [("u@h's password: ", "sesame\n"), ("Retype new password: ", "tahini\n")] {
                #expect(try await runner.run(Command(helper, [prompt], environment: environment)) == answer)
            }
            #expect(login.asked == ["u@h's password: ", "Retype new password: "])
            // Nothing has to be run from a directory, which may be mounted with noexec.
            let modes = try await runner.run(shell("stat -c '%n %a' * | sort", in: directory))
            #expect(modes == "asked 600\nnew 600\npassword 600\n")
        }
    }

    @Test func eachLoginIsAConnectionOfItsOwn() {
        #expect(login.command(terminal: true).arguments.suffix(4) == ["-tt", "-o", "ControlPath=none", "127.0.0.1"])
        #expect(login.shared(["id"]).arguments.contains("ControlPath=/private/mux"))
        #expect(login.command().environment["SSH_ASKPASS_REQUIRE"] == "force")
    }

    @Test func theTunnelIsASocketInThePrivateDirectory() {
        let words = login.openTunnel(to: 49494).arguments
        #expect(words.suffix(3) == ["-L", "/private/jupyter:localhost:49494", "127.0.0.1"])
    }

    @Test func hostKeysAreReadFromAScan() {
        let scan = "# h:22 SSH-2.0\n[h]:2222 ssh-rsa AAA\n[h]:2222 ssh-ed25519 BBB\n\n"
        let keys = HostKeys(scan: scan)
        #expect(keys.types == ["ssh-ed25519", "ssh-rsa"])
        #expect(keys.knownHosts(host: "h", port: 2222) == "[h]:2222 ssh-ed25519 BBB\n[h]:2222 ssh-rsa AAA\n")
        #expect(keys.knownHosts(host: "h", port: 22).hasPrefix("h ssh-ed25519"))
        #expect(HostKeys(scan: "# nothing\n").isEmpty)
    }

    private func shell(_ script: String, in directory: String) -> Command {
        Command("sh", ["-c", script], workingDirectory: directory)
    }
}

import Testing

@testable import Workbench

struct CommandTests {
    @Test(arguments: [
        ("", "''"), ("plain", "plain"), ("/usr/bin/x-y_z.1:2,3@4%5+6=7", "/usr/bin/x-y_z.1:2,3@4%5+6=7"),
        ("two words", "'two words'"), ("it's", #"'it'\''s'"#), ("'", #"''\'''"#), ("$HOME", "'$HOME'"),
        ("a\nb", "'a\nb'"), ("~", "'~'"), ("*", "'*'"), ("a;b", "'a;b'"), ("ä", "'ä'"), (#"\"#, #"'\'"#),
        ("!", "'!'"), ("#", "'#'"), ("a\"b", "'a\"b'"),
    ])
    func wordsAreQuotedForTheShell(word: String, quoted: String) async throws {
        #expect(shellQuoted(word) == quoted)
        let echoed = try await SystemCommandRunner().run(Command("sh", ["-c", "printf %s \(quoted)"]))
        #expect(echoed == word)
    }

    @Test func aCommandIsALineToPaste() {
        let command = Command(
            "ssh", ["-p", "22", "echo it's"], environment: ["LC_ALL": "C", "A": "b c", "GONE": nil],
            workingDirectory: "/tmp/my dir", input: .text("secret"))
        #expect(command.shellLine == #"cd '/tmp/my dir' && A='b c' LC_ALL=C ssh -p 22 'echo it'\''s'"#)
    }
}

struct SSHConfigTests {
    private func config() -> SSHConfig {
        SSHConfig(
            alias: "dss", host: "10.0.0.2", port: 22, user: "build", identityFile: "/run/my keys/key",
            knownHostsFile: "/run/known")
    }

    @Test func theFileSaysEverything() {
        #expect(
            config().text == """
                Host dss
                  HostName 10.0.0.2
                  Port 22
                  User build
                  IdentityFile "/run/my keys/key"
                  IdentitiesOnly yes
                  IdentityAgent none
                  UserKnownHostsFile "/run/known"
                  GlobalKnownHostsFile none
                  HostKeyAlias dss
                  StrictHostKeyChecking yes
                  BatchMode yes
                  ConnectTimeout 10
                  ServerAliveInterval 15
                  ServerAliveCountMax 4
                  LogLevel ERROR

                """)
    }

    @Test func sshTakesPercentSignsInPathsLiterally() {
        var config = config()
        config.identityFile = "/jobs/feature%2Fx/key"
        config.controlPath = "/jobs/feature%h/mux"
        config.hostKeys = .pinned("/jobs/100%/known")
        let text = config.text
        #expect(text.contains("IdentityFile \"/jobs/feature%%2Fx/key\"\n"))
        #expect(text.contains("ControlPath \"/jobs/feature%%h/mux\"\n"))
        #expect(text.contains("UserKnownHostsFile \"/jobs/100%%/known\"\n"))
    }

    @Test func proxyAndSharedConnectionAreAdded() {
        var config = config()
        let plain = config.text
        config.proxyCommand = "nc -U /run/proxy %h %p"
        config.controlPath = "/run/my keys/socket"
        #expect(
            config.text == plain + """
                  ProxyCommand nc -U /run/proxy %h %p
                  ControlMaster auto
                  ControlPath "/run/my keys/socket"
                  ControlPersist 60

                """)
    }

    @Test func sshItselfReadsItAsItWasMeant() async throws {
        try await withTemporaryDirectory { directory in
            var config = config()
            config.proxyCommand = "nc -U /run/proxy %h %p"
            config.controlPath = "/run/my keys/socket"
            try writeAtomically(config.text, to: "\(directory)/config")
            let seen = try await SystemCommandRunner().run(Command("ssh", ["-G", "-F", "\(directory)/config", "dss"]))
                .split(separator: "\n").map(String.init)
            for line in [
                "hostname 10.0.0.2", "user build", "identityfile /run/my keys/key", "identitiesonly yes",
                "userknownhostsfile /run/known", "stricthostkeychecking true", "batchmode yes",
                "controlpath /run/my keys/socket", "proxycommand nc -U /run/proxy %h %p", "controlpersist 60",
            ] {
                #expect(seen.contains(line), "\(line)")
            }
        }
    }

    @Test func scriptsGoThroughStandardInput() {
        #expect(
            Command.ssh(config: "/c", alias: "dss", script: "id", asRoot: true)
                == Command("ssh", ["-F", "/c", "dss", "sudo -n sh -s"], input: .text("id")))
    }

    @Test(arguments: [
        ("https://me:secret@index.example/simple x", "https://•••@index.example/simple x"),
        ("http://me:p@ss@mirror.example/debian main", "http://•••@mirror.example/debian main"),
        ("'http://token@a' and http://u:p@b:80/", "'http://•••@a' and http://•••@b:80/"),
        ("https://a.example/x@1", "https://a.example/x@1"), ("me@example.com", "me@example.com"), ("", ""),
        ("http://u:it's@se@cret@b:80/x@y", "http://•••@b:80/x@y"), ("http://a and me@b", "http://a and me@b"),
    ])
    func credentialsInURLsAreMasked(_ text: String, _ masked: String) {
        #expect(text.withoutCredentials == masked)
    }

    @Test(arguments: [
        (
            "https://me:a%40b@one.test:8443/x@1", "https://one.test:8443/x@1", "https://me:a%40b@one.test:8443\n",
            "machine one.test login me password a@b\n"
        ),
        (
            "http://me:a@b@one.test", "http://one.test", "http://me:a%40b@one.test\n",
            "machine one.test login me password a@b\n"
        ),
        ("https://token@one.test/x", "https://one.test/x", "https://token:@one.test\n", nil),
        ("https://me:a%20b@one.test/x", "https://one.test/x", "https://me:a%20b@one.test\n", nil),
        (
            "HTTPS://me:a@one.test", "HTTPS://one.test", "HTTPS://me:a@one.test\n",
            "machine one.test login me password a\n"
        ),
        ("https://:a@one.test/x", "https://one.test/x", "https://:a@one.test\n", nil),
        ("https://me:a%0Ab@one.test/x", "https://one.test/x", "https://me:a%0Ab@one.test\n", nil),
        ("https://me:a%23b@one.test/x", "https://one.test/x", "https://me:a%23b@one.test\n", nil),
        ("ssh://git@one.test/x", "ssh://git@one.test/x", nil, nil),
        ("https://one.test/x@1", "https://one.test/x@1", nil, nil),
    ])
    func loginsOfURLsAreSeparated(_ text: String, _ url: String, _ git: String?, _ netrc: String?) {
        let (found, login) = text.separatingLogin
        #expect(found == url && login?.gitCredential == git && (try? login?.netrc.get()) == netrc)
    }
}

import Sandbox
import Testing
import Workbench

@testable import Verification

/// What a guest in good order tells.
private let good: [(String, String)] = [
    ("groups", "ubuntu sudo docker"), ("sudo_asks", "yes"), ("core_soft", "0"), ("core_hard", "0"),
    ("core_pattern", "|/bin/false"), ("poetry", "Poetry (version 2.5.1)"), ("docker_reached", "yes"),
    ("docker", "20.10.24"), ("clone", "11.2.0"), ("clone_fault", ""), ("clone_submodules", "2"),
    ("missing_components", ""), ("login_user", ""), ("login_user", "ubuntu"), ("ssh_file", ""),
    ("authorized_keys", ""), ("history", ""), ("build_file", ""), ("cache", ""), ("log", ""), ("cloud_state", ""),
    ("host_file", ""), ("machine_id", "0123456789abcdef0123456789abcdef"), ("password_login", "yes"),
    ("password_refusal", ""), ("system_state", "running"), ("failed_unit", ""),
    ("boot_time", "Startup finished in 4s (kernel) + 20s (userspace) = 24s."), ("blame", ""),
    ("blame", "9.1s docker.service"), ("blame", "1.2s cloud-init-local.service"), ("partition_start", "4096"),
    ("partition_sectors", "16771039"), ("disk_sectors", "16777216"), ("root_bytes", "8350298112"),
]

private func facts(with changed: [(String, String)] = [], without missing: String? = nil) -> Facts {
    let keys = changed.map(\.0)
    let lines = good.filter { !keys.contains($0.0) && $0.0 != missing } + changed
    return Facts(lines.map { "\($0.0)=\($0.1)" }.joined(separator: "\n"))
}

private let expectations = Expectations(password: Secret("a"), jupyterPassword: Secret("a"))

struct JudgementTests {
    @Test(arguments: Check.allCases.filter { $0.source != nil })
    func aGuestInGoodOrderPasses(check: Check) {
        guard case .passed = judge(check, facts(), expectations) else {
            Issue.record("\(judge(check, facts(), expectations))")
            return
        }
    }

    @Test(arguments: [
        (Check.groups, [("groups", "ubuntu sudo")], "not in docker"),
        (.groups, [("groups", "ubuntu dockers")], "not in sudo and docker"),
        (.sudoAsks, [("sudo_asks", "no")], "sudo runs without a password"),
        (.loginUsers, [("login_user", "ubuntu"), ("login_user", "build")], "users besides: build"),
        (.sshFiles, [("ssh_file", "/root/.ssh/id")], "left: /root/.ssh/id"),
        (.sshFiles, [("authorized_keys", "/etc/authorized_keys")], "left: /etc/authorized_keys"),
        (.history, [("history", "/root/.bash_history")], "left: /root/.bash_history"),
        (
            .buildFiles, [("build_file", "/run/dss"), ("build_file", "/etc/sudoers.d/x")],
            "left: /run/dss, /etc/sudoers.d/x"
        ),
        (.packageCaches, [("cache", "/root/.cache/pip")], "left: /root/.cache/pip"),
        (.logs, [("log", "/var/log/dpkg.log")], "older than the boot: /var/log/dpkg.log"),
        (
            .cloudState, [("cloud_state", "/var/lib/cloud/instances/i")],
            "older than the boot: /var/lib/cloud/instances/i"
        ),
        (.hostConfiguration, [("host_file", "/etc/pip.conf")], "left: /etc/pip.conf"),
        (.machineID, [("machine_id", "")], "/etc/machine-id holds ''"),
        (.machineID, [("machine_id", "uninitialized")], "/etc/machine-id holds 'uninitialized'"),
        (.coreDumps, [("core_hard", "unlimited")], "the limits at login are 0 and unlimited"),
        (.passwordLogin, [("password_login", "no")], "sshd says: PasswordAuthentication no"),
        (
            .passwordLogin, [("password_refusal", "/etc/ssh/sshd_config.d/60-cloud.conf:PasswordAuthentication no")],
            "/etc/ssh/sshd_config.d/60-cloud.conf:PasswordAuthentication no"
        ),
        (.units, [("failed_unit", "docker.service"), ("system_state", "degraded")], "failed: docker.service"),
        (.units, [("system_state", "starting")], "the system is 'starting'"),
        (
            .boot,
            [("blame", "1min 30.012s systemd-networkd-wait-online.service"), ("blame", "6.0s cloud-init.service")],
            "systemd-networkd-wait-online.service took 90.012 s, cloud-init.service took 6.0 s"
        ),
        (.disk, [("disk_sectors", "33554432")], "8193 MiB behind the root partition are unused"),
        (.disk, [("root_bytes", "2147483648")], "the file system has 2048 MiB, its partition 8188 MiB"),
        (.poetry, [("poetry", "sh: 1: poetry: not found")], "poetry --version said: sh: 1: poetry: not found"),
        (.docker, [("docker_reached", "no"), ("docker", "permission denied")], "permission denied"),
        (.scriptLanguages, [("clone", "none")], "there is no clone"),
        (.scriptLanguages, [("clone_fault", "submodule 1234 x")], "submodule 1234 x"),
    ])
    func whatIsWrongIsNamed(check: Check, changed: [(String, String)], reason: String) {
        #expect(judge(check, facts(with: changed), expectations) == .failed(reason))
    }

    @Test(arguments: ["groups", "machine_id", "log", "disk_sectors", "clone"])
    func whatWasNotToldIsNoPass(key: String) {
        let failures = Check.allCases.filter { $0.source != nil }.filter {
            judge($0, facts(without: key), expectations) == .failed("the guest did not tell '\(key)'")
        }
        #expect(failures.count == 1)
    }

    @Test(arguments: ["script_languages", "script-languages-release"])
    func aKnownGapIsSkipped(name: String) {
        var expectations = expectations
        expectations.missing = [MissingComponent(component: name, reason: "no network")]
        #expect(
            judge(.scriptLanguages, facts(with: [("clone", "none")]), expectations)
                == .skipped("the build went without it: no network"))
        // What is there is checked all the same.
        #expect(judge(.scriptLanguages, facts(), expectations) == .passed("11.2.0, 2 submodules"))
    }

    @Test(arguments: [
        ("1min 2.345s a.service", 62.345), ("345ms b", 0.345), ("12us c", 0.000_012), ("1h 1min 1s d", 3661.0),
    ])
    func timesOfUnitsAreRead(line: String, seconds: Double) throws {
        let unit = try #require(UnitTime(line))
        #expect(abs(unit.seconds - seconds) < 1e-9)
    }

    @Test(arguments: ["", "x", "abc d.service"])
    func otherLinesAreNoTimes(line: String) {
        #expect(UnitTime(line) == nil)
    }
}

struct FactsTests {
    @Test func onlyLinesWithAKeyCount() throws {
        let facts = Facts("a=1\r\nnoise\n=x\nUPPER=1\na b=1\nlist=\nlist=x=y\nlist=z\nempty=\na=2\n")
        #expect(try facts.value("a") == "2")
        #expect(try facts.list("list") == ["x=y", "z"])
        #expect(try facts.list("empty") == [])
        #expect(throws: Facts.Untold(key: "UPPER")) { try facts.value("UPPER") }
        #expect(throws: Facts.Untold(key: "none")) { try facts.list("none") }
        #expect(throws: Facts.Untold(key: "empty")) { try facts.number("empty") }
    }

    @Test(arguments: [FactSource.user, .root])
    func theScriptIsAShellScriptThatTellsEveryFact(source: FactSource) async throws {
        let script = source.script(expectations)
        try await SystemCommandRunner().run(Command("sh", ["-n"], input: .text(script)))
        let all = FactSource.user.script(expectations) + FactSource.root.script(expectations)
        for key in Set(good.map(\.0)) {
            #expect(all.contains("\(key)=") || all.contains("files \(key) ") || all.contains("older \(key) "), "\(key)")
        }
    }
}

struct MessageOfTheDayTests {
    private let login = """
        Linux vm 6.1\r
        \r
        JupyterLab runs on this machine:\r
            http://10.0.2.15:49494/lab\r
        \r
        To change it, type:\r
            change-jupyter-password\r
        echo end-of''-message; exit\r
        Last login: today\r
        ubuntu@vm:~$ echo end-of''-message; exit\r
        end-of-message\r
        logout\r

        """

    @Test func addressAndCommandAreFound() {
        let message = MessageOfTheDay(login)
        #expect(message.address(port: 49494) == "http://10.0.2.15:49494/lab")
        #expect(message.address(port: 8888) == nil)
        #expect(message.command == "change-jupyter-password")
        #expect(message.mentionsJupyter(port: 49494))
    }

    @Test(arguments: ["", "Linux vm\r\nLast login: today\r\n"])
    func aLoginWithoutItHasNeither(heard: String) {
        let message = MessageOfTheDay(heard)
        #expect(message.address(port: 49494) == nil)
        #expect(message.command == nil)
        #expect(!message.mentionsJupyter(port: 49494))
    }
}

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
            #expect(try await runner.run(Command("\(directory)/askpass", ["u@h's password: "])) == "sesame\n")
            #expect(try await runner.run(Command("\(directory)/askpass", ["Retype new password: "])) == "tahini\n")
            #expect(login.asked == ["u@h's password: ", "Retype new password: "])
            let modes = try await runner.run(shell("stat -c '%n %a' * | sort", in: directory))
            #expect(modes == "asked 600\naskpass 700\nnew 600\npassword 600\n")
        }
    }

    @Test func eachLoginIsAConnectionOfItsOwn() {
        #expect(login.command(terminal: true).arguments.suffix(4) == ["-tt", "-o", "ControlPath=none", "127.0.0.1"])
        #expect(login.shared(["id"]).arguments.contains("ControlPath=/private/mux"))
        #expect(login.command().environment["SSH_ASKPASS_REQUIRE"] == "force")
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

struct JupyterClientTests {
    typealias Answer = JupyterClient<SystemCommandRunner>.Answer

    @Test(arguments: [
        ("200 ", 200, false, false), ("302 http://h:1/login?next=%2Flab", 302, true, false),
        ("302 http://h:1/lab", 302, false, true), ("401", 401, false, false), ("000", 0, false, false),
        ("", 0, false, false),
    ])
    func answersAreRead(line: String, status: Int, asks: Bool, letsIn: Bool) {
        let answer = Answer(line)
        #expect(answer.status == status)
        #expect(answer.asksForPassword == asks)
        #expect(answer.letsIn == letsIn)
    }

    @Test func cookiesAreReadFromTheJar() {
        let jar = CookieJar(
            "# Netscape HTTP Cookie File\n\nh\tFALSE\t/\tFALSE\t0\t_xsrf\t2|a|b\n#HttpOnly_h\tFALSE\t/\tFALSE\t0\tuser\tx\n"
        )
        #expect(jar["_xsrf"] == "2|a|b")
        #expect(jar["user"] == "x")
        #expect(jar["none"] == nil)
    }
}

struct CheckTests {
    @Test func everyCheckComesAfterWhatItNeeds() {
        let order = Check.allCases
        for check in order {
            guard let needed = check.needs else { continue }
            #expect(order.firstIndex(of: needed)! < order.firstIndex(of: check)!, "\(check)")
        }
        #expect(Set(order.map(\.rawValue)).count == order.count)
    }
}

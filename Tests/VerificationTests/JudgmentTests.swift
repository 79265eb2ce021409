import Sandbox
import Testing

@testable import Verification

/// What a guest in good order tells, apart from its kernels.
let goodFacts: [(String, String)] = [
    ("groups", "ubuntu sudo docker"), ("sudo_asks", "yes"), ("core_soft", "0"), ("core_hard", "0"),
    ("core_pattern", "|/bin/false"), ("poetry", "Poetry (version 2.5.1)"), ("docker_reached", "yes"),
    ("docker", "20.10.24"), ("clone", "11.2.0"), ("clone_fault", ""), ("clone_submodules", "2"),
    ("missing_components", ""), ("login_user", ""), ("login_user", "ubuntu"), ("ssh_file", ""),
    ("authorized_keys", ""), ("history", ""), ("build_file", ""), ("cache", ""), ("log", ""), ("cloud_state", ""),
    ("jupyter_secret", ""),
    ("host_file", ""), ("machine_id", "0123456789abcdef0123456789abcdef"), ("password_login", "yes"),
    ("password_refusal", ""), ("update_interval", "Update-Package-Lists 1"),
    ("update_interval", "Unattended-Upgrade 1"), ("update_program", "installed 2.9.1+nmu3"), ("stopped_timer", ""),
    ("security_source", "deb http://deb.debian.org/debian-security bookworm-security main"),
    ("system_state", "running"), ("failed_unit", ""),
    ("boot_time", "Startup finished in 4s (kernel) + 20s (userspace) = 24s."), ("blame", ""),
    ("blame", "9.1s docker.service"), ("blame", "1.2s cloud-init-local.service"), ("partition_start", "4096"),
    ("partition_sectors", "16771039"), ("disk_sectors", "16777216"), ("root_bytes", "8350298112"),
]

/// What the program that runs kernels and notebooks tells of a guest in good order.
let goodKernelFacts: [(String, String)] = [
    ("kernel", "'Python 3 (data science)', Python 3.11.2 in /home/ubuntu/env"), ("plot", "194x142 pixels, 142 colors"),
    ("query", "500500"), ("notebooks", "8 notebooks"), ("distributions", "37 distributions of datascience, jupyter"),
    ("connector", "95 imports of 50 notebooks, apart from torch"), ("flavors", "standard-EXASOL-all"),
]

func facts(with changed: [(String, String)] = [], without missing: String? = nil) -> Facts {
    let keys = changed.map(\.0)
    let lines = (goodFacts + goodKernelFacts).filter { !keys.contains($0.0) && $0.0 != missing } + changed
    return Facts(lines.map { "\($0.0)=\($0.1)" }.joined(separator: "\n"))
}

let testExpectations = Expectations(password: Secret("a"))

struct JudgmentTests {
    @Test(arguments: Check.allCases.filter { $0.source != nil })
    func aGuestInGoodOrderPasses(check: Check) {
        guard case .passed = judge(check, facts(), testExpectations) else {
            Issue.record("\(judge(check, facts(), testExpectations))")
            return
        }
    }

    @Test(arguments: [
        (Check.groups, [("groups", "ubuntu sudo")], "not a member of docker"),
        (.groups, [("groups", "ubuntu dockers")], "not a member of sudo and docker"),
        (.sudoAsks, [("sudo_asks", "no")], "sudo runs without a password"),
        (.loginUsers, [("login_user", "ubuntu"), ("login_user", "build")], "other users: build"),
        (.sshFiles, [("ssh_file", "/root/.ssh/id")], "found: /root/.ssh/id"),
        (.sshFiles, [("authorized_keys", "/etc/authorized_keys")], "found: /etc/authorized_keys"),
        (.history, [("history", "/root/.bash_history")], "found: /root/.bash_history"),
        (
            .buildFiles, [("build_file", "/run/dss"), ("build_file", "/etc/sudoers.d/x")],
            "found: /run/dss, /etc/sudoers.d/x"
        ),
        (.packageCaches, [("cache", "/root/.cache/pip")], "found: /root/.cache/pip"),
        (.logs, [("log", "/var/log/dpkg.log")], "created before this boot: /var/log/dpkg.log"),
        (
            .cloudState, [("cloud_state", "/var/lib/cloud/instances/i")],
            "created before this boot: /var/lib/cloud/instances/i"
        ),
        (.hostConfiguration, [("host_file", "/etc/pip.conf")], "found: /etc/pip.conf"),
        (.jupyterSecrets, [("jupyter_secret", "/home/u/token")], "created before this boot: /home/u/token"),
        (.machineID, [("machine_id", "")], "/etc/machine-id contains ''"),
        (.machineID, [("machine_id", "uninitialized")], "/etc/machine-id contains 'uninitialized'"),
        (.coreDumps, [("core_hard", "unlimited")], "core dump limits at login: soft 0, hard unlimited"),
        (.passwordLogin, [("password_login", "no")], "sshd reports PasswordAuthentication no"),
        (
            .passwordLogin, [("password_refusal", "/etc/ssh/sshd_config.d/60-cloud.conf:PasswordAuthentication no")],
            "/etc/ssh/sshd_config.d/60-cloud.conf:PasswordAuthentication no"
        ),
        (
            .securityUpdates,
            [("update_interval", "Update-Package-Lists 1"), ("update_interval", "Unattended-Upgrade 0")],
            "APT::Periodic::Unattended-Upgrade is 0; the role security_updates sets it"
        ),
        (
            .securityUpdates,
            [("update_interval", "Update-Package-Lists "), ("update_interval", "Unattended-Upgrade ")],
            "APT::Periodic::Update-Package-Lists is not set; the role security_updates sets it"
        ),
        (.securityUpdates, [("update_program", "")], "unattended-upgrades is not installed"),
        (.securityUpdates, [("update_program", "config-files 2.9.1")], "unattended-upgrades is not installed"),
        (
            .securityUpdates, [("stopped_timer", "apt-daily-upgrade.timer")], "not active: apt-daily-upgrade.timer"
        ),
        (.securityUpdates, [("security_source", "")], "apt's sources contain no security updates"),
        (.units, [("failed_unit", "docker.service"), ("system_state", "degraded")], "failed: docker.service"),
        (.units, [("system_state", "starting")], "the system state is 'starting'"),
        (
            .boot,
            [("blame", "1min 30.012s systemd-networkd-wait-online.service"), ("blame", "6.0s cloud-init.service")],
            "systemd-networkd-wait-online.service took 90.012 s, cloud-init.service took 6.0 s"
        ),
        (.disk, [("disk_sectors", "33554432")], "8193 MiB after the root partition are unused"),
        (.disk, [("root_bytes", "2147483648")], "the file system has 2048 MiB, but its partition has 8188 MiB"),
        (.poetry, [("poetry", "sh: 1: poetry: not found")], "poetry --version printed: sh: 1: poetry: not found"),
        (.docker, [("docker_reached", "no"), ("docker", "permission denied")], "permission denied"),
        (.scriptLanguages, [("clone", "none")], "clone not found"),
        (.scriptLanguages, [("clone_fault", "submodule 1234 x")], "submodule 1234 x"),
        (.kernel, [("kernel_fault", "no response from http://127.0.0.1:1")], "no response from http://127.0.0.1:1"),
        (.plot, [("plot_fault", "the picture is empty: it has 1 colors")], "the picture is empty: it has 1 colors"),
        (
            .notebooks, [("notebooks_fault", "03-sql.ipynb, cell 5 (x): NameError: y"), ("notebooks_fault", "z")],
            "03-sql.ipynb, cell 5 (x): NameError: y\nz"
        ),
        (.distributions, [("distributions_fault", "exasol: a: ImportError: b")], "exasol: a: ImportError: b"),
    ])
    func whatIsWrongIsNamed(check: Check, changed: [(String, String)], reason: String) {
        #expect(judge(check, facts(with: changed), testExpectations) == .failed(reason))
    }

    @Test(arguments: ["groups", "machine_id", "log", "disk_sectors", "clone", "plot", "flavors"])
    func whatWasNotToldIsNoPass(key: String) {
        let failures = Check.allCases.filter { $0.source != nil }.filter {
            judge($0, facts(without: key), testExpectations) == .failed("the guest did not report '\(key)'")
        }
        #expect(failures.count == 1)
    }

    @Test func securityUpdatesMayBeTurnedOff() {
        let off = facts(
            with: [
                ("update_interval", "Update-Package-Lists 0"), ("update_interval", "Unattended-Upgrade 0"),
                ("update_program", ""),
            ])
        #expect(judge(.securityUpdates, off, testExpectations) == .passed("turned off in the image"))
        #expect(judge(.securityUpdates, facts(), testExpectations) == .passed("unattended-upgrades 2.9.1+nmu3"))
    }

    @Test(arguments: ["script_languages", "script-languages-release"])
    func aKnownGapIsSkipped(name: String) {
        var expectations = testExpectations
        expectations.missing = [MissingComponent(component: name, reason: "no network")]
        #expect(
            judge(.scriptLanguages, facts(with: [("clone", "none")]), expectations)
                == .skipped("the image was built without it: no network"))
        // What is there is checked all the same.
        #expect(judge(.scriptLanguages, facts(), expectations) == .passed("11.2.0, 2 submodules"))
    }

    @Test func whatTheImageLacksIsSkipped() {
        let reason = "the image was built without the role exasol"
        #expect(judge(.connector, facts(with: [("connector_skip", reason)]), testExpectations) == .skipped(reason))
        // A fault that was found before is one all the same.
        let both = facts(with: [("connector_skip", reason), ("connector_fault", "broken record")])
        #expect(judge(.connector, both, testExpectations) == .failed("broken record"))
    }

    @Test func aLongListOfFaultsIsCut() {
        let many = facts(with: (1...12).map { ("connector_fault", "fault \($0)") })
        guard case .failed(let reason) = judge(.connector, many, testExpectations) else {
            Issue.record("passed")
            return
        }
        #expect(reason.hasSuffix("fault 10\nand 2 more"))
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

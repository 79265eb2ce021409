import AWSTestSupport
import Foundation
import Testing
import Workbench

@testable import dss

/// `dss reset-password` and `dss install-dependencies` on a machine behind a real sshd, which runs nothing of it.
@Suite("Commands for an existing machine", .timeLimit(.minutes(3)))
struct HostCommandTests {
    @Test("the password is sent over the connection for the sandbox's user; what it unlocks is printed")
    func reset() async throws {
        try await MachineOwner.with { owner in
            try owner.answer("*dss_password=*", "printf '%s\\n' \"$said\" >$folder/received; echo jupyter; echo login")
            let said = try await owner.dss(
                "reset-password", "--known-hosts", owner.knownHosts, password: "it's all $mine")
            #expect(said.status.isSuccess, "\(said.standardError)")
            #expect(
                said.standardOutput == """
                    reset the password of 'ubuntu' on 192.0.2.10 to the default
                    The next login must change it.
                    JupyterLab has a new token, which the next login shows.

                    """)
            let received = try readText("\(owner.machine.folder)/received")
            #expect(received.hasPrefix("sudo -n sh -s\ndss_user=ubuntu\ndss_password='it'\\''s all $mine'\n"))
            #expect(received.contains("chage --lastday 0 \"$dss_user\""))
            #expect(!(said.standardOutput + said.standardError).contains("$mine"))
        }
    }

    @Test("a generated password is shown once; JupyterLab is mentioned only if installed")
    func generated() async throws {
        try await MachineOwner.with { owner in
            let text = try await owner.dss("reset-password", "--host-key", owner.hostKey)
            #expect(text.status.isSuccess, "\(text.standardError)")
            #expect(
                text.standardOutput.contains(/'ubuntu' on 192.0.2.10 to the default: [a-z2-9-]{19}\n/)
                    && !text.standardOutput.contains("JupyterLab"))
            let json = try await owner.dss("reset-password", "--host-key", owner.hostKey, "--json")
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(json.standardOutput.utf8)) as? [String: Any])
            #expect((document["default_password"] as? String)?.count == 19)
            #expect(document["jupyter"] as? Bool == false)
        }
    }

    @Test("an unknown host is refused with the line that adds its key")
    func unknownHost() async throws {
        try await MachineOwner.with { owner in
            try writeAtomically("", to: "\(owner.home)/empty")
            let said = try await owner.dss("reset-password", "--known-hosts", "\(owner.home)/empty")
            #expect(said.status == .exited(69))
            #expect(said.standardError.contains("the host key of 192.0.2.10 is not trusted"), "\(said.standardError)")
            #expect(said.standardError.contains("Host key verification failed"))
            #expect(said.standardError.contains("ssh-keyscan -p \(owner.port) 127.0.0.1 >> \(owner.home)/empty"))
            #expect(owner.machine.commands.isEmpty)
            // The line does what it says.
            let line = try #require(
                said.standardError.split(separator: "\n").first { $0.contains("ssh-keyscan") }?.split(
                    separator: ": ", maxSplits: 1
                ).last)
            try await SystemCommandRunner().run(Command("sh", ["-c", String(line)]))
            let again = try await owner.dss("reset-password", "--known-hosts", "\(owner.home)/empty")
            #expect(again.status.isSuccess, "\(again.standardError)")
        }
    }

    @Test("a host whose key differs from the known one is refused")
    func otherKey() async throws {
        try await MachineOwner.with { owner in
            let other = try readText("\(owner.home)/user.pub").split(separator: " ").prefix(2).joined(separator: " ")
            let said = try await owner.dss("reset-password", "--host-key", other)
            #expect(said.status == .exited(69))
            #expect(said.standardError.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "\(said.standardError)")
            #expect(owner.machine.commands.isEmpty)
        }
    }

    @Test("a user without sudo, and a failing machine, are reported with the machine's output")
    func trouble() async throws {
        try await MachineOwner.with { owner in
            try owner.machine.order(.failure(code: 1, message: "sudo: a password is required"), at: "os-release")
            let denied = try await owner.dss("reset-password", "--host-key", owner.hostKey)
            #expect(denied.status == .exited(77))
            #expect(denied.standardError.contains("'ubuntu' cannot become root on 192.0.2.10"))
            #expect(denied.standardError.contains("sudo: a password is required"))
            try owner.machine.order(.failure(code: 1, message: "there is no user"), at: "seal")
            let failed = try await owner.dss("reset-password", "--host-key", owner.hostKey)
            #expect(failed.status == .exited(1))
            #expect(failed.standardError.contains("on 192.0.2.10 (exit code 1)"))
            #expect(failed.standardError.contains("there is no user"))
        }
    }

    @Test("invalid options are refused before anything is done")
    func usage() async throws {
        try await MachineOwner.with { owner in
            let both = try await owner.dss("reset-password", "--host-key", owner.hostKey, "--known-hosts", "x")
            #expect(both.status == .exited(64))
            let noKey = try await owner.dss("reset-password", "--host-key", "ssh-ed25519 it is")
            #expect(noKey.status == .exited(64))
            #expect(owner.machine.commands.isEmpty)
        }
    }

    @Test("the whole playbook runs on the machine, and nothing is sealed")
    func install() async throws {
        try await MachineOwner.with { owner in
            let said = try await owner.dss("install-dependencies", "--host-key", owner.hostKey)
            #expect(said.status.isSuccess, "\(said.standardError)")
            #expect(said.standardOutput == "installed the sandbox on 192.0.2.10\n")
            #expect(owner.sandbox.runs.count == 1)
            #expect(owner.sandbox.runs.first?.hasPrefix("roles=only ") == true)
            #expect(!owner.machine.commands.contains("seal"))
        }
    }

    @Test("JupyterLab is promised for the next boot, and only if it was installed")
    func summary() {
        #expect(InstallDependencies.summary("box", ["base"]) == "installed the sandbox on box\n")
        #expect(
            InstallDependencies.summary("box", ["base", "jupyter_settings"])
                == "installed the sandbox on box\nJupyterLab starts at the next boot; a login then shows its address\n")
    }

    @Test("a release other than the definition's is refused; a failed task is reported")
    func installTrouble() async throws {
        try await MachineOwner.with(codename: "trixie") { owner in
            let said = try await owner.dss("install-dependencies", "--host-key", owner.hostKey)
            #expect(said.status == .exited(65))
            #expect(said.standardError.contains("192.0.2.10 runs debian trixie"), "\(said.standardError)")
            #expect(owner.sandbox.runs.isEmpty)
        }
        try await MachineOwner.with { owner in
            try owner.sandbox.order(.failure)
            let said = try await owner.dss("install-dependencies", "--host-key", owner.hostKey)
            #expect(said.status == .exited(1))
            #expect(said.standardError.contains("the package is not there"), "\(said.standardError)")
            #expect(said.standardError.contains("run the command again"))
        }
    }
}

/// Somebody with a machine and its key.
private struct MachineOwner {
    let home: String
    let machine: StubMachine
    let sandbox: SandboxFolder

    static func with(codename: String = "bookworm", _ body: (MachineOwner) async throws -> Void) async throws {
        try await StubMachine.with(nil, system: ("debian", codename)) { machine in
            try await withTemporaryDirectory { home in
                let owner = MachineOwner(
                    home: home, machine: machine,
                    sandbox: try SandboxFolder(in: "\(home)", extraLines: "user: {name: ubuntu}"))
                try await owner.launch()
                try await body(owner)
            }
        }
    }

    private func launch() async throws {
        for name in ["host", "user"] {
            try await SystemCommandRunner().run(.sshKeygen(path: "\(home)/\(name)", comment: name))
        }
        let keys = ["ssh_keys": ["ed25519_private": try readText("\(home)/host")]]
        let launch = [
            "state": "running", "public_key": try readText("\(home)/user.pub"),
            "user_data": "#cloud-config\n" + String(decoding: try JSONEncoder().encode(keys), as: UTF8.self),
        ]
        let text = String(decoding: try JSONEncoder().encode(launch), as: UTF8.self)
        try writeAtomically(text, to: "\(machine.room)/i-1.json")
        try writeAtomically("[127.0.0.1]:\(port) \(hostKey)\n", to: knownHosts)
    }

    var hostKey: String {
        (try? readText("\(home)/host.pub").split(separator: " ").prefix(2).joined(separator: " ")) ?? ""
    }
    var knownHosts: String { "\(home)/known" }
    var port: String {
        (try? readText(machine.sshConfig))?.firstMatch(of: /Port (\d+)/).map { String($0.1) } ?? ""
    }

    /// What the machine does instead of what it is told.
    func answer(_ pattern: String, _ deed: String) throws {
        let file = "\(machine.folder)/answers.sh"
        let line = "case $said in \(pattern)) \(deed) ;; esac\n"
        try writeAtomically(try readText(file).replacing("exit 0", with: line + "exit 0"), to: file)
    }

    func dss(_ command: String, _ more: String..., password: String? = nil) async throws -> CommandOutput {
        var environment = ["HOME=\(home)", "PATH=/usr/bin:/bin"]
        if let password { environment.append("DSS_DEFAULT_PASSWORD=\(password)") }
        let reach = [
            "--host", StubMachine.address, "--user", "ubuntu", "--key", "user", "--ssh-config", machine.sshConfig,
        ]
        return try await SystemCommandRunner().execute(
            Command("env", ["-i"] + environment + [Program.dss, command] + reach + more, workingDirectory: home))
    }
}

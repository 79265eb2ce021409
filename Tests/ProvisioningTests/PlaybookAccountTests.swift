import Foundation
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("Whether Ansible ran the step on the machine")
struct PlaybookAccountTests {
    static let reads = "\u{1e}" + #"{"event": "plugin-loaded", "name": "dss_reads"}"#
    static let step = "\u{1e}" + #"{"event": "plugin-loaded", "name": "dss_step"}"#
    static let nobody = "\u{1e}" + #"{"event": "no-hosts-matched"}"#
    /// What the plugins say of a whole run.
    static let whole = [reads, step, stats("m")]

    static func stats(_ hosts: String...) -> String { "\u{1e}" + #"{"event": "stats", "ok": 1, "hosts": \#(hosts)}"# }

    let run = PlaybookRun(
        directory: "/s/ansible", ansible: "ansible-playbook",
        playbook: .init(file: "/p/site.yml", pins: "/p/pins.yaml", roles: ["base"]),
        step: PlaybookStep(index: 0, roles: ["base"]), endpoint: SSHEndpoint(configFile: "/s/c", alias: "m"),
        variables: [:])

    @Test(
        "a run is only taken for the step if every plugin was loaded and the machine took part",
        arguments: [
            (whole, nil), ([reads, step, stats()], nil), ([reads, step, stats("m", "other")], nil),
            ([], "did not load its plugin dss_reads, dss_step, dss_events from /s/ansible"),
            ([step, stats("m")], "did not load its plugin dss_reads from"),
            ([reads, stats("m")], "did not load its plugin dss_step from"),
            ([reads, step], "did not load its plugin dss_events from"),
            ([reads, step, nobody, stats()], "the play in /p/site.yml ran on no machine of the build"),
            ([reads, step, stats("localhost")], "ran on no machine of the build"),
        ] as [([String], String?)])
    func account(lines: [String], reason: String?) {
        var account = PlaybookAccount()
        for event in lines.compactMap({ AnsibleEvent(line: $0) }) { account.add(event) }
        let output = CommandOutput(standardOutput: "skipping: no hosts matched\n", standardError: "[WARNING]: x\n")
        let failure = account.failure(of: run, output)
        let isExplained = reason.map { failure?.message.contains($0) == true } ?? (failure == nil)
        #expect(isExplained, "\(String(describing: failure))")
        if let failure { #expect(failure.details == ["[WARNING]: x", "skipping: no hosts matched"]) }
    }

    @Test("an installation that Ansible did not do is a failure, though Ansible ended with success")
    func notInstalled() async throws {
        let provisioner = AnsibleProvisioner(runner: SilentAnsible(), ansible: "ansible") { _, _ in [] }
        let failure = try await #require(throws: Failure.self) { try await provisioner.install(["base"]) }
        #expect(failure.code == .failed && failure.details.contains("skipping: no hosts matched"))
    }

    @Test(
        "the real Ansible",
        .enabled(if: FileManager.default.isExecutableFile(atPath: ansible), "make setup installs Ansible into .venv"),
        arguments: [("a b", true), ("100%", true), ("c,d", false), ("c:d", false), ("c ;d", false)])
    func real(name: String, isRun: Bool) async throws {
        try await withTemporaryDirectory { folder in
            try makeDirectory("\(folder)/roles/base/tasks")
            try writeAtomically("- {ansible.builtin.debug: {}}\n", to: "\(folder)/roles/base/tasks/main.yml")
            try writeAtomically(
                "- {hosts: all, gather_facts: false, roles: [base]}\n", to: "\(folder)/site.yml")
            var run = run
            (run.directory, run.ansible, run.playbook.file) = ("\(folder)/\(name)", ansible, "\(folder)/site.yml")
            try run.writeFiles()
            try writeAtomically("[all]\nm ansible_connection=local\n", to: "\(run.directory)/inventory.ini")
            let output = try await SystemCommandRunner().execute(run.command)
            var account = PlaybookAccount()
            for line in output.standardError.split(separator: "\n") {
                AnsibleEvent(line: String(line)).map { account.add($0) }
            }
            let failure = account.failure(of: run, output)
            // Ansible itself reports success in every case.
            #expect(output.status.isSuccess, "\(output)")
            #expect((failure == nil) == isRun, "\(String(describing: failure)) \(output)")
        }
    }
}

private let ansible =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path() + ".venv/bin/ansible-playbook"

/// Ansible that finds no host.
private struct SilentAnsible: ExecutingRunner {
    func execute(
        _ command: Command, onLine: (@Sendable (Workbench.OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        for line in [PlaybookAccountTests.reads, PlaybookAccountTests.step, PlaybookAccountTests.nobody] {
            onLine?(.standardError, line)
        }
        onLine?(.standardError, PlaybookAccountTests.stats())
        return CommandOutput(standardOutput: "skipping: no hosts matched\n")
    }
}

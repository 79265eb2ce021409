import FoundationEssentials
import Sandbox
import Testing
import Workbench

@testable import Provisioning

/// Answers every command with the same output.
private struct OneAnswer: ExecutingRunner {
    var output: CommandOutput

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput { output }
}

@Suite("Checking a playbook without a machine")
struct PlaybookCheckTests {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    /// The interpreter beside Ansible, which `make` installs.
    static let python = "\(root)/.venv/bin/python3"

    private func check(_ runner: any CommandRunner = SystemCommandRunner()) -> PlaybookCheck {
        PlaybookCheck(runner: runner, python: Self.python, ansible: "ansible-playbook")
    }

    private func playbook(_ file: String) -> SandboxDefinition.Playbook {
        SandboxDefinition.Playbook(file: file, pins: "", roles: [])
    }

    private func withFile(
        _ name: String, _ text: String, _ body: (SandboxDefinition.Playbook, String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/roles/own/\(name)"
            try makeDirectory(parentDirectory(path))
            try writeAtomically(text, to: path)
            try await body(playbook("\(folder)/site.yml"), path)
        }
    }

    @Test("the shipped playbook has no mistakes", .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"))
    func shipped() async throws {
        let parts = try await check().files(of: playbook("\(Self.root)/playbook/site.yml"))
        #expect(parts.map(\.name) == ["YAML files", "templates", "notebooks"])
        #expect(parts.allSatisfy { $0.errors.isEmpty && $0.count > 5 }, "\(parts)")
    }

    @Test(
        "a mistake is named with file, line and column",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            ("tasks/main.yml", "- name: a\n  copy: [\n", "3:1: error: invalid YAML: "),
            ("tasks/main.yml", "- debug:\n    msg: \"{{ a ]\"\n", "2:10: error: invalid Jinja2: unexpected ']'"),
            ("tasks/main.yml", "- debug:\n  when: a and\n", "2:9: error: invalid Jinja2: "),
            ("tasks/main.yml", "- shell: |\n    a\n    {{ b\n", "3:5: error: invalid Jinja2: "),
            (
                "tasks/main.yml", "- copy:\n    dest: {{ a }}\n",
                "2:12: error: a value that begins with {{ must be in quotes"
            ),
            ("vars/main.yml", "a: &a {b: *a}\n", "1:1: error: invalid YAML: an alias contains itself"),
            ("templates/a.conf.j2", "a\n  {% if b %}\n{{ c | }}\n", "3:1: error: invalid Jinja2: "),
            ("files/01-a.ipynb", "{\"cells\" []}", "1:10: error: the notebook is not JSON: Expecting ':' delimiter"),
            ("files/01-a.ipynb", "{}", "1:1: error: the notebook has no cells"),
        ])
    func mistakes(name: String, text: String, error: String) async throws {
        try await withFile(name, text) { playbook, path in
            let errors = try await check().files(of: playbook).flatMap(\.errors)
            #expect(errors.count == 1 && errors[0].hasPrefix("\(path):\(error)"), "\(errors)")
            let failure = await #expect(throws: Failure.self) { try await check().requireSound(playbook) }
            #expect(failure?.code == .badData && failure?.details == errors)
        }
    }

    @Test(
        "what Ansible does not take for an expression is no mistake",
        .enabled(if: fileExists(PlaybookCheckTests.python), "needs .venv"),
        arguments: [
            ("tasks/main.yml", "- debug:\n    msg: !unsafe \"{{ a ]\"\n"), ("defaults/main.yml", "when: a and\n"),
            ("templates/a.j2", "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n{{ a ]\n"),
            ("files/a.j2", "{{ a ]"),
        ])
    func sound(name: String, text: String) async throws {
        try await withFile(name, text) { playbook, _ in
            let parts = try await check().files(of: playbook)
            #expect(parts.allSatisfy { $0.errors.isEmpty }, "\(parts)")
        }
    }

    @Test("without YAML or Jinja2 the check says so, and a build goes on")
    func noModules() async throws {
        let output = CommandOutput(status: .exited(69), standardError: "python3 has no module jinja2\n")
        let check = self.check(OneAnswer(output: output))
        let failure = await #expect(throws: Failure.self) { try await check.files(of: playbook("/p/site.yml")) }
        #expect(failure?.code == .unavailable && failure?.message.hasSuffix("python3 has no module jinja2") == true)
        try await check.requireSound(playbook("/p/site.yml"))
    }

    @Test(
        "the place of Ansible's error is found in the words of each version",
        arguments: [
            (
                "[ERROR]: couldn't resolve module/action 'copyy'.\nOrigin: /p/roles/a/tasks/main.yml:2:3\n\n1 ---\n",
                "/p/roles/a/tasks/main.yml:2:3: error: couldn't resolve module/action 'copyy'."
            ),
            (
                "ERROR! conflicting action statements: copy, file\n\nThe error appears to be in '/p/a.yml': line 2, "
                    + "column 3, but may\nbe elsewhere",
                "/p/a.yml:2:3: error: conflicting action statements: copy, file"
            ), ("ERROR! no play\n", "/p/site.yml: error: no play"), ("", "/p/site.yml: error: no output"),
        ])
    func ansible(text: String, error: String) async throws {
        let check = self.check(OneAnswer(output: CommandOutput(status: .exited(4), standardError: text)))
        #expect(try await check.syntax(of: playbook("/p/site.yml")).errors == [error])
    }
}

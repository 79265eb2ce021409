import Foundation
import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite(
    "Ansible runs one step of a play",
    .enabled(if: FileManager.default.isExecutableFile(atPath: ansible), "make setup installs Ansible into .venv"))
struct StepSelectionTests {
    static let roles = ["first", "tagged", "last", "helper", "tidy"]

    /// A play without tags that dss would need, and with every place that can contain a task.
    static let play = """
        - name: Install
          hosts: all
          gather_facts: false
          vars_files: [files/word.yml]
          pre_tasks:
            - {name: before, ansible.builtin.debug: {msg: "{{ word }}"}, changed_when: true, notify: of the play}
          handlers:
            - {name: of the play, ansible.builtin.debug: {}}
          roles:
            - first
            - {role: tagged, tags: [mine], x: 1, when: group_word == 'yes'}
            - last
            - tidy
          tasks:
            - {name: task, ansible.builtin.import_role: {name: helper}}
            - {name: by hand, ansible.builtin.fail: {}, tags: [never, mine]}
            - {name: include, ansible.builtin.include_tasks: files/more.yml}
          post_tasks:
            - {name: after, ansible.builtin.debug: {}}
        """

    @Test(
        "with all roles' variables and handlers, tasks after the last role, and tidy at the end",
        arguments: [
            (["first", "tagged"], false, "before, of the play, helper, first, tagged, handler of last, tidy"),
            (["last"], true, "before, of the play, last, helper, include, more, handler of last, after, tidy"),
        ])
    func step(_ roles: [String], includesTasks: Bool, tasks: String) async throws {
        let (output, names) = try await run(PlaybookStep(index: 0, roles: roles, includesTasks: includesTasks))
        #expect(output.status.isSuccess, "\(output)")
        #expect(names.joined(separator: ", ") == tasks)
        let counts = output.standardError.split(separator: "\n").compactMap { AnsibleEvent(line: String($0))?.count }
        // Handlers and included tasks are not known before they run.
        let planned = names.count { !["of the play", "handler of last", "more"].contains($0) }
        #expect(Set(counts) == [planned])
    }

    @Test("and nothing if the play does not have the role")
    func unknown() async throws {
        let (output, names) = try await run(PlaybookStep(index: 0, roles: ["first", "other"]))
        #expect(!output.status.isSuccess)
        #expect(output.standardError.contains("cannot select the step: the play has no role other"), "\(output)")
        #expect(names == [])
    }

    /// - Returns: The output, and the names of the tasks in the order in which they ran.
    private func run(_ step: PlaybookStep) async throws -> (CommandOutput, [String]) {
        try await withTemporaryDirectory { folder in
            for role in Self.roles {
                for part in ["tasks", "handlers", "defaults", "meta"] {
                    try makeDirectory("\(folder)/roles/\(role)/\(part)")
                }
                let notify = ["first", "last"].contains(role) ? ", changed_when: true, notify: handler of last" : ""
                try writeAtomically(
                    "- {name: \(role), ansible.builtin.debug: {msg: '{{ last_word }}'}\(notify)}\n",
                    to: "\(folder)/roles/\(role)/tasks/main.yml")
            }
            for (name, text) in [
                "site.yml": Self.play, "files/word.yml": "word: yes", "group_vars/all.yml": "group_word: 'yes'",
                "files/more.yml": "- {name: more, ansible.builtin.debug: {}}",
                "roles/last/defaults/main.yml": "last_word: x",
                "roles/last/handlers/main.yml": "- {name: handler of last, ansible.builtin.debug: {}}",
                "roles/first/meta/main.yml": "dependencies: [helper]",
            ] {
                try makeDirectory(parentDirectory("\(folder)/\(name)"))
                try writeAtomically(text, to: "\(folder)/\(name)")
            }
            let run = PlaybookRun(
                directory: "\(folder)/run", ansible: ansible,
                playbook: .init(file: "\(folder)/site.yml", pins: "", roles: ["first", "tagged", "last"]), step: step,
                endpoint: SSHEndpoint(configFile: "/dev/null", alias: "localhost"), variables: [:])
            try run.writeFiles()
            try writeAtomically("[all]\nlocalhost ansible_connection=local\n", to: "\(folder)/run/inventory.ini")
            let output = try await SystemCommandRunner().execute(run.command)
            let events = output.standardError.split(separator: "\n").compactMap { AnsibleEvent(line: String($0)) }
            let names = events.compactMap(\.task?.name).map { $0.components(separatedBy: " : ").last ?? $0 }
            return (output, names)
        }
    }
}

private let ansible =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path() + ".venv/bin/ansible-playbook"

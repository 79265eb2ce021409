import Foundation
import Workbench

/// A definition whose playbook takes seconds, for tests of everything but the playbook.
struct SmallSandbox {
    var roles = [
        "first": "- name: Write a file\n  ansible.builtin.copy: {content: one, dest: /etc/first, mode: '0644'}\n",
        "last": "- name: Write another\n  ansible.builtin.copy: {content: two, dest: /etc/last, mode: '0644'}\n",
    ]
    var extraLines = ""
    var formats = "[raw]"

    /// Writes the files into a folder.
    /// - Returns: the path of `sandbox.yaml`.
    func write(to folder: String) throws -> String {
        for (name, tasks) in roles {
            try makeDirectory("\(folder)/playbook/roles/\(name)/tasks")
            try writeAtomically("---\n" + tasks, to: "\(folder)/playbook/roles/\(name)/tasks/main.yml")
        }
        let names = roles.keys.sorted()
        let list = names.map { "    - \($0)" }.joined(separator: "\n")
        try writeAtomically(
            """
            - name: Install a small sandbox
              hosts: all
              become: true
              gather_facts: false
              pre_tasks:
                - name: Make the login user
                  ansible.builtin.user: {name: ubuntu, shell: /bin/bash}
              roles:
            \(list)
            """, to: "\(folder)/playbook/site.yml")
        try writeAtomically(
            """
            distribution: debian
            suite: bookworm
            apt: {}
            pip: {}
            pip_locked: {}
            git: {}
            """, to: "\(folder)/pins.yaml")
        try writeAtomically(
            """
            name: small
            version: e2e
            disk: {size: 4GiB}
            formats: \(formats)
            playbook: {file: playbook/site.yml, pins: pins.yaml}
            \(extraLines)
            """, to: "\(folder)/sandbox.yaml")
        // The user's own virtual environment has Ansible; the definition's folder points to it.
        try? FileManager.default.createSymbolicLink(
            atPath: "\(folder)/.venv", withDestinationPath: Workspace.repository + ".venv")
        return "\(folder)/sandbox.yaml"
    }
}

import Foundation

/// A folder with a `sandbox.yaml` and an `ansible-playbook` that installs nothing and reports as the real one does.
package struct SandboxFolder: Sendable {
    package let path: String

    package var definition: String { "\(path)/sandbox.yaml" }

    package enum Trouble: Sendable {
        case failure
        /// The connection to the machine is lost at the second task, so many times.
        case unreachable(times: Int)
        case hanging
    }

    /// Writes the files into an empty folder.
    /// - Parameter extraLines: more of `sandbox.yaml`.
    package init(in path: String, formats: String = "[vhd, vmdk]", extraLines: String = "") throws {
        self.path = path
        for folder in ["playbook/roles/only/tasks", ".venv/bin"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        try write(
            "- hosts: all\n  become: true\n  roles: [only]\n", to: "playbook/site.yml")
        try write("---\n- ansible.builtin.ping:\n", to: "playbook/roles/only/tasks/main.yml")
        try write(
            "distribution: debian\nsuite: bookworm\napt: {}\npip: {}\npip_locked: {}\ngit: {}\n", to: "pins.yaml")
        try write(
            """
            name: small
            version: 1.0.0
            base: {distribution: debian, suite: bookworm}
            disk: {size: 4GiB}
            formats: \(formats)
            playbook: {file: playbook/site.yml, pins: pins.yaml}
            \(extraLines)

            """, to: "sandbox.yaml")
        try write(Self.ansible, to: ".venv/bin/ansible-playbook")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: "\(path)/.venv/bin/ansible-playbook")
    }

    /// From now on the playbook meets with trouble; `nil` takes it back.
    package func order(_ trouble: Trouble?) throws {
        let text =
            switch trouble {
            case nil: ""
            case .failure: "failure"
            case .unreachable(let times): "unreachable\n\(times)"
            case .hanging: "hanging"
            }
        try write(text, to: "trouble")
    }

    /// The roles and arguments of `ansible-playbook` so far, a line for each run.
    package var runs: [String] {
        ((try? String(contentsOfFile: "\(path)/runs.log", encoding: .utf8)) ?? "").split(separator: "\n")
            .map(String.init)
    }

    private func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"), options: .atomic)
    }

    private static let ansible = #"""
        #!/bin/sh
        folder=$(cd "$(dirname "$0")/../.." && pwd)
        say() { printf '\036%s\n' "$1" >&2; }
        # Not a step of a build, but the check before it.
        if [ -z "${ANSIBLE_DSS_ROLES+set}" ]; then
            say '{"name": "tasks", "count": 1, "errors": []}'
            exit
        fi
        printf '%s\n' "roles=$ANSIBLE_DSS_ROLES $*" >> "$folder/runs.log"
        task() { printf '"index": %s, "count": 3, "role": "only", "name": "only : task %s"' "$1" "$1"; }
        start() { say "{\"event\": \"task-started\", $(task "$1")}"; }
        finish() { say "{\"event\": \"task-finished\", \"status\": \"$2\", \"seconds\": 0.1, \"module\": \"ping\", $3 $(task "$1")}"; }
        trouble=$(head -n 1 "$folder/trouble" 2>/dev/null)
        left=$(sed -n 2p "$folder/trouble" 2>/dev/null)
        for plugin in dss_reads dss_step; do say "{\"event\": \"plugin-loaded\", \"name\": \"$plugin\"}"; done
        for index in 1 2 3; do
            start "$index"
            if [ "$index" = 2 ]; then
                case $trouble in
                failure) finish 2 failed '"message": "the package is not there",'; exit 2 ;;
                hanging) exec sleep 100000 ;;
                unreachable)
                    if [ "$left" -gt 0 ]; then
                        printf 'unreachable\n%s\n' $((left - 1)) > "$folder/trouble"
                        finish 2 unreachable '"message": "Failed to connect to the host via ssh",'
                        exit 4
                    fi ;;
                esac
            fi
            finish "$index" changed
        done
        say '{"event": "stats", "ok": 3, "changed": 3, "failures": 0, "unreachable": 0, "skipped": 0}'

        """#
}

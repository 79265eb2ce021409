import Testing
import Workbench

@testable import Provisioning

@Suite("The message of the day, as the role writes it")
struct MessageTemplateTests {
    @Test(
        "gives the address of JupyterLab only where it runs or is about to",
        arguments: [
            ("running", "active", true), ("degraded", "activating", true), ("starting", "inactive", true),
            ("running", "inactive", false), ("degraded", "failed", false),
        ])
    func state(system: String, service: String, showsAddress: Bool) async throws {
        try await withTemporaryDirectory { folder in
            for (name, script) in [
                "systemctl": "case $1 in is-system-running) echo \(system) ;; *) echo \(service) ;; esac",
                "ip": "echo '1: eth0 inet 192.0.2.7/24 brd'", "hostname": "echo lab", "link": "echo lab?token=x",
            ] {
                try writeAtomically("#!/bin/sh\n\(script)\n", to: "\(folder)/\(name)", mode: 0o755)
            }
            try writeAtomically(try template(link: "\(folder)/link"), to: "\(folder)/motd", mode: 0o755)
            let said = try await SystemCommandRunner().run(
                Command("sh", ["\(folder)/motd"], environment: ["PATH": "\(folder):/usr/bin:/bin"]))
            #expect(said.contains("http://192.0.2.7:49494/lab?token=x") == showsAddress, "\(said)")
            #expect(said.contains("sudo systemctl start jupyter") != showsAddress)
        }
    }

    /// What Ansible makes of the template for a sandbox that listens everywhere.
    private func template(link: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        let text = try readText("\(root)/playbook/roles/jupyter_settings/templates/motd.j2")
        return text.replacing(/{% else %}[^%]*{% endif %}\n/, with: "").replacing(/{% if [^%]* %}\n/, with: "")
            .replacing("/usr/local/lib/dss/jupyter-link", with: link).replacing("{{ jupyter_port }}", with: "49494")
            .replacing("{{ sandbox_user | quote }}", with: "root")
    }
}

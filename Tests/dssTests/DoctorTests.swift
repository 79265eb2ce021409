import Testing
import Workbench

@testable import dss

@Suite("A virtual environment that no longer works")
struct DoctorTests {
    /// What is left of an environment whose folder was moved, and of one whose Python was upgraded.
    static let dead = [
        "#!/nonexistent/.venv/bin/python3\n", "#!/bin/sh\necho /usr/lib/python3.12/x: no ansible >&2\nexit 1\n",
    ]

    @Test("is to be created again by the script of its repository, or as the script does it", arguments: dead)
    func broken(_ program: String) async throws {
        for script in [nil, "tools/setup.sh"] {
            try await withTemporaryDirectory { temporary in
                let folder = canonicalPath(temporary)
                try makeDirectory("\(folder)/.venv/bin")
                try writeAtomically(program, to: "\(folder)/.venv/bin/ansible-playbook", mode: 0o755)
                if let script {
                    try makeDirectory("\(folder)/tools")
                    try writeAtomically("", to: "\(folder)/\(script)", mode: 0o755)
                }
                let world = PretendWorld(directory: folder, runner: SystemCommandRunner())
                let said = await world.dss("doctor")
                let line = said.output.split(separator: "\n").first { $0.hasPrefix("ansible-playbook") } ?? ""
                #expect(line.contains("broken") && said.code == 69)
                let repair =
                    script.map { "\(folder)/\($0)" }
                    ?? "python3 -m venv --clear \(folder)/.venv && \(folder)/.venv/bin/pip install ansible-core"
                #expect(said.output.contains("create it again with: \(repair)"), "\(said.output)")
                let advice = Tool.advice(for: "\(folder)/.venv/bin/ansible-playbook")
                #expect(advice.hasSuffix("create it again with: \(repair)"))
            }
        }
    }

    @Test("one that works is shown with its version")
    func working() async throws {
        try await withTemporaryDirectory { folder in
            try makeDirectory("\(folder)/.venv/bin")
            try writeAtomically(
                "#!/bin/sh\necho 'ansible-playbook [core 2.19.14]'\n", to: "\(folder)/.venv/bin/ansible-playbook",
                mode: 0o755)
            let world = PretendWorld(directory: folder, runner: SystemCommandRunner())
            let said = await world.dss("doctor")
            let line = said.output.split(separator: "\n").first { $0.hasPrefix("ansible-playbook") } ?? ""
            #expect(line.contains("2.19.14") && !said.output.contains("create it again"))
        }
    }
}

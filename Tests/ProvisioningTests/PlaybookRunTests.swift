import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("A run of ansible-playbook")
struct PlaybookRunTests {
    let run = PlaybookRun(
        directory: "/b/ansible", ansible: "ansible-playbook",
        playbook: .init(file: "/p/site.yml", pins: "/p/pins.yaml", roles: ["base", "docker"]),
        step: PlaybookStep(index: 0, roles: ["base", "docker"]),
        endpoint: SSHEndpoint(configFile: "/b/ssh_config", alias: "dss"), variables: ["edition": .string("vm")])

    @Test("runs the step's roles and the tidy role, and nothing of it is secret")
    func command() {
        #expect(
            run.command.shellLine
                == "ANSIBLE_CONFIG=/b/ansible/ansible.cfg LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 ansible-playbook --inventory /b/ansible/inventory.ini --extra-vars @/b/ansible/variables.json --tags base,docker,tidy /p/site.yml"
        )
    }

    @Test("resumes from the role of a task", arguments: [("docker", "docker,tidy"), ("other", "base,docker,tidy")])
    func rerun(_ role: String, _ tags: String) {
        let task = TaskResult(index: 1, count: 2, role: role, name: "Install", status: .failed, seconds: 0)
        #expect(run.command(from: task).arguments.contains(tags))
    }

    @Test("writes all its files, the variables for its owner only")
    func files() async throws {
        try await withTemporaryDirectory { directory in
            var run = run
            run.directory = directory + "/a b"
            try run.writeFiles()
            #expect(try readText(run.directory + "/variables.json").contains(#""edition" : "vm""#))
            #expect(try readText(run.directory + "/ansible.cfg").contains("callbacks_enabled = dss_events"))
            #expect(try readText(run.directory + "/plugins/dss_events.py").contains("class CallbackModule"))
        }
    }
}

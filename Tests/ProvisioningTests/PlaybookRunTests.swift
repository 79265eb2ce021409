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

    @Test("names the step's roles, and nothing of it is secret")
    func command() {
        #expect(
            run.command.shellLine
                == "ANSIBLE_CONFIG=/b/ansible/ansible.cfg ANSIBLE_DSS_ROLES=base,docker ANSIBLE_DSS_TASKS=yes LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 ansible-playbook --inventory /b/ansible/inventory.ini --extra-vars @/b/ansible/variables.json /p/site.yml"
        )
        var early = run
        early.step.includesTasks = false
        #expect(early.command.environment["ANSIBLE_DSS_TASKS"] == "no")
    }

    @Test(
        "variables of the user neither leave out tasks nor add roles",
        arguments: ["RUN_TAGS", "SKIP_TAGS", "ROLES_PATH", "COLLECTIONS_PATH"])
    func environment(_ name: String) {
        #expect(run.command.environment["ANSIBLE_\(name)"] == .some(nil))
    }

    @Test("resumes from the role of a task", arguments: [("docker", "docker"), ("other", "base,docker")])
    func rerun(_ role: String, _ roles: String) {
        let task = TaskResult(index: 1, count: 2, role: role, name: "Install", status: .failed, seconds: 0)
        #expect(run.command(from: task).environment["ANSIBLE_DSS_ROLES"] == roles)
    }

    @Test("writes all its files, the variables for its owner only")
    func files() async throws {
        try await withTemporaryDirectory { directory in
            var run = run
            run.directory = directory + "/a b"
            try run.writeFiles()
            #expect(try readText(run.directory + "/variables.json").contains(#""edition" : "vm""#))
            #expect(try readText(run.directory + "/ansible.cfg").contains("callbacks_enabled = dss_step, dss_events"))
            for plugin in ["dss_events", "dss_step"] {
                #expect(try readText(run.directory + "/plugins/\(plugin).py").contains("class CallbackModule"))
            }
        }
    }
}

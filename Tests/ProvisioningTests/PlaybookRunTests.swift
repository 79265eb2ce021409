import Glibc
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

    @Test("shows the results of the tasks only if that is asked for")
    func verbose() {
        var run = run
        #expect(!run.command.arguments.contains("--verbose"))
        run.isVerbose = true
        #expect(run.command.arguments == self.run.command.arguments + ["--verbose"])
    }

    @Test("what a failed run printed is saved for its owner only, without events and without passwords")
    func output() async throws {
        try await withTemporaryDirectory { directory in
            var run = run
            run.directory = directory
            let output = CommandOutput(
                status: .exited(2), standardOutput: "fatal: pip of https://me:secret@index/simple\n",
                standardError: "\u{1e}{}\nwarning\n")
            try run.save(output)
            let text = "fatal: pip of https://•••@index/simple\nwarning\n"
            #expect(try readText("\(directory)/output.log") == text)
            var status = stat()
            #expect(stat("\(directory)/output.log", &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("sudo leaves the secret variables of a login as they are, whose values are in no file of the run")
    func privateVariables() async throws {
        #expect(run.configuration.contains("flags = -H -S -n\n"))
        var run = run
        run.privateVariables = ["PIP_INDEX_URL", "http_proxy"]
        #expect(run.configuration.contains("flags = -H -S -n --preserve-env=PIP_INDEX_URL,http_proxy\n"))
        #expect(run.command == self.run.command)
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

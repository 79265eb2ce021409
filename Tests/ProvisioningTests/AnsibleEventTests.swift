import Sandbox
import Testing

@testable import Provisioning

@Suite("Ansible's events")
struct AnsibleEventTests {
    @Test("a line of the callback plugin becomes a task result")
    func finishedTask() {
        let line =
            "\u{1e}"
            + #"{"event":"task-finished","status":"failed","seconds":1.5,"module":"ansible.builtin.apt","message":"gone","index":3,"count":9,"role":"docker","name":"Install"}"#
        let expected = TaskResult(
            index: 3, count: 9, role: "docker", name: "Install", status: .failed, seconds: 1.5,
            module: "ansible.builtin.apt", message: "gone")
        #expect(AnsibleEvent(line: line)?.task == expected)
        #expect(AnsibleEvent(line: line)?.progress == nil)
    }

    @Test("a started task says what runs now, the role once")
    func startedTask() {
        let line =
            "\u{1e}" + #"{"event":"task-started","index":2,"count":9,"role":"docker","name":"docker : Install"}"#
        #expect(
            AnsibleEvent(line: line)?.progress
                == Progress("docker : Install", completed: 2, total: 9, unit: .tasks))
    }

    @Test(
        "Ansible's own lines and broken ones are no events", arguments: ["TASK [x]", "", "\u{1e}{", "{}", "\u{1e}{}"])
    func otherLines(_ line: String) {
        #expect(AnsibleEvent(line: line) == nil)
    }
}

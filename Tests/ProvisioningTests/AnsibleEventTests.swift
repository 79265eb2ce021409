import Sandbox
import Synchronization
import Testing
import Workbench

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

    @Test(
        "what Ansible prints is shown as it prints it if that is asked for, without passwords",
        arguments: [true, false])
    func verbose(isVerbose: Bool) {
        let seen = Lines()
        let monitor = TaskMonitor(events: seen.sink, isVerbose: isVerbose)
        monitor.heard(.standardOutput, "stdout: from http://me:secret@mirror/debian")
        monitor.heard(.standardOutput, "")
        monitor.heard(.standardError, "[WARNING]: old")
        #expect(seen.all == (isVerbose ? ["stdout: from http://•••@mirror/debian", "[WARNING]: old"] : []))
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

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var sink: EventSink {
        { event in if case .output(_, let line) = event { self.lines.withLock { $0.append(line) } } }
    }
}

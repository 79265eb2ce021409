import Sandbox
import Testing
import Workbench

@testable import Provisioning

@Suite("Tasks that fail to install")
struct FailedInstallationTests {
    @Test(
        "only a task that installs packages makes pins suspicious",
        arguments: [
            ("ansible.builtin.apt", "mytools", "no such version", SuspectedPins.apt),
            ("ansible.builtin.shell", "apt_packages", "x", .apt),
            ("ansible.builtin.shell", "mytools", "apt-get: no", .apt),
            ("ansible.builtin.pip", "mytools", "x", .pip("Task\nx")),
            ("ansible.builtin.fail", "python_env", "lab in /x is incomplete", .pip("Task\nlab in /x is incomplete")),
            ("ansible.builtin.copy", "mytools", "apt", nil),
            ("ansible.builtin.assert", "apt_packages", "add it: dss pins add apt htop", nil),
        ] as [(String, String, String, SuspectedPins?)])
    func suspects(module: String, role: String, message: String, suspects: SuspectedPins?) {
        let task = TaskResult(
            index: 1, count: nil, role: role, name: "Task", status: .failed, seconds: 1, module: module,
            message: message)
        #expect(SuspectedPins(task) == suspects)
    }

    @Test("the failure does not wait for the package index; what is gone explains it afterwards")
    func gone() async throws {
        let status = PinStatus.judge(.apt, "htop", pinned: "1", versions: ["2"])
        let failure = try await failure("ansible.builtin.apt") { _, _ in [status] }
        #expect(failure.code == .failed && failure.message == "task 'Install' of role mytools failed")
        let cause = await failure.inquiry?()
        #expect(cause?.code == .badData && cause?.advice == "dss pins update htop")
        #expect(cause?.details == ["apt htop 1 is no longer available; newest version: 2"])
        let all = try failure.explained(by: #require(cause))
        #expect(all.code == .badData && all.details.contains("module: ansible.builtin.apt"))
        #expect(all.details.contains("apt htop 1 is no longer available; newest version: 2"))
    }

    @Test("no cause is found if the pins are available, or the index does not answer")
    func noCause() async throws {
        #expect(await (try failure("ansible.builtin.apt") { _, _ in [] }).inquiry?() == nil)
        let silent = try await failure("ansible.builtin.apt") { _, _ in throw Failure(.unavailable, "no index") }
        #expect(await silent.inquiry?() == nil)
        let other = try await failure("ansible.builtin.copy") { _, _ in throw Failure(.bug, "not asked") }
        #expect(other.inquiry == nil)
    }

    @Test(
        "a full disk of the machine is a temporary failure, for which no pins are blamed",
        arguments: ["cp: /x: No space left on device", "lab in /x is incomplete: the file system is full"])
    func fullDisk(message: String) async throws {
        let failure = try await failure("ansible.builtin.pip", message) { _, _ in throw Failure(.bug, "not asked") }
        #expect(failure.code == .temporary && failure.details.contains(message))
        #expect(failure.inquiry == nil)
    }

    @Test("Ansible's own error is shown, rather than the last tasks")
    func refusedPlaybook() async throws {
        let tasks = (1...20).map { "ok: [machine] \($0)\n" }.joined()
        let errors = "[WARNING]: old\n[ERROR]: The requested handler 'a' was not found\nOrigin: /p/site.yml:5:7\n"
        for (text, shown) in [
            (errors, ["[ERROR]: The requested handler 'a' was not found", "Origin: /p/site.yml:5:7"]),
            ("ERROR! no play\n", ["ERROR! no play"]), ("", (9...20).map { "ok: [machine] \($0)" }),
        ] {
            let output = CommandOutput(status: .exited(1), standardOutput: tasks, standardError: text)
            let provisioner = AnsibleProvisioner(runner: RefusingAnsible(output: output), ansible: "ansible") { _, _ in
                throw Failure(.bug, "not asked")
            }
            let failure = await #expect(throws: Failure.self) { try await provisioner.install(["mytools"]) }
            #expect(failure?.code == .badData && failure?.details == shown)
            #expect(failure?.advice == "correct it, then: dss check")
        }
    }

    private func failure(
        _ module: String, _ message: String = "no",
        gone: @escaping @Sendable (SandboxDefinition, SuspectedPins) async throws -> [PinStatus]
    ) async throws -> Failure {
        let provisioner = AnsibleProvisioner(
            runner: FailingAnsible(module: module, message: message), ansible: "ansible", gone: gone)
        return try await #require(throws: Failure.self) { try await provisioner.install(["mytools"]) }
    }
}

/// Ansible that ends without a failed task.
private struct RefusingAnsible: ExecutingRunner {
    var output: CommandOutput

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput { output }
}

/// Ansible whose first task fails.
private struct FailingAnsible: ExecutingRunner {
    var module: String
    var message: String

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        onLine?(
            .standardError,
            "\u{1e}" + #"{"event": "task-finished", "status": "failed", "index": 1, "role": "mytools", "#
                + #""name": "Install", "seconds": 1, "module": "\#(module)", "message": "\#(message)"}"#)
        return CommandOutput(status: .exited(2))
    }
}

import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Provisioning

@Suite("Connections lost while Ansible runs")
struct LostConnectionTests {
    static let unreachable = CommandOutput(
        status: .exited(4),
        standardError: "\u{1e}"
            + #"{"event": "task-finished", "status": "unreachable", "index": 7, "role": "jupyter", "name": "install it", "seconds": 1}"#
    )
    static let refused = CommandOutput(status: .exited(255), standardError: "connection refused")
    static let done = CommandOutput(standardError: PlaybookAccountTests.whole.joined(separator: "\n"))
    static let nothingMissing = CommandOutput(standardOutput: "[]")

    @Test("waits, then resumes the playbook from the interrupted role")
    func goesOn() async throws {
        let runner = ScriptedRunner([Self.unreachable, Self.refused, Self.done, Self.done, Self.nothingMissing])
        try await install(runner)
        let (programs, roles) = runner.seen
        #expect(programs == ["ansible", "ssh", "ssh", "ansible", "ssh"])
        #expect(roles == ["base,jupyter,docker", "jupyter,docker"])
    }

    @Test("gives up if the machine does not come back")
    func staysAway() async throws {
        let runner = ScriptedRunner([Self.unreachable, Self.refused, Self.refused, Self.refused])
        let failure = await #expect(throws: Failure.self) { try await install(runner) }
        #expect(failure?.code == .temporary)
        #expect(failure?.message == "task 'install it' of role jupyter failed")
        #expect(failure?.advice == "to look into the machine, add --keep-on-failure")
        #expect(runner.seen.programs == ["ansible", "ssh", "ssh", "ssh"])
    }

    @Test("gives up after repeated losses in the same task")
    func again() async throws {
        let runner = ScriptedRunner([
            Self.unreachable, Self.done, Self.unreachable, Self.done, Self.unreachable,
        ])
        await #expect(throws: Failure.self) { try await install(runner) }
        #expect(runner.seen.programs == ["ansible", "ssh", "ansible", "ssh", "ansible"])
    }

    private func install(_ runner: ScriptedRunner) async throws {
        let provisioner = AnsibleProvisioner(
            runner: runner, ansible: "ansible", reconnectPauses: [.zero, .zero, .zero]
        ) { _, _ in [] }
        try await provisioner.install(["base", "jupyter", "docker"])
    }
}

/// Programs that answer one after the other as was written down.
private final class ScriptedRunner: ExecutingRunner {
    private let state: Mutex<(answers: [CommandOutput], commands: [Command])>

    init(_ answers: [CommandOutput]) {
        state = Mutex((answers, []))
    }

    /// Programs in the order of their calls, and the roles that Ansible was given.
    var seen: (programs: [String], roles: [String]) {
        let commands = state.withLock { $0.commands }
        return (commands.map(\.executable), commands.compactMap { $0.environment["ANSIBLE_DSS_ROLES"] ?? nil })
    }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        let answer = state.withLock { state in
            state.commands.append(command)
            return state.answers.removeFirst()
        }
        for line in answer.standardError.split(separator: "\n") { onLine?(.standardError, String(line)) }
        return answer
    }
}

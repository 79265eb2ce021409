import Sandbox
import Synchronization
import Testing
import Workbench

@testable import Provisioning

@Suite("The question whether script-languages-release can be cloned")
struct CloneCheckTests {
    private static let url = "https://10.0.2.2:8443/release.git"

    private func check(
        roles: [String] = ["base", "script_languages", "jupyter"], variables: [String: Variable] = [:]
    ) -> CloneCheck? {
        let playbook = SandboxDefinition.Playbook(
            file: "/p", pins: "/q", roles: roles, checkpoints: ["base", "script_languages"],
            variables: ["script_languages_url": .string(Self.url)].merging(variables) { $1 })
        let pins = Pins(
            distribution: "debian", suite: "bookworm", apt: [:], pip: [:], pipLocked: [:],
            git: ["script-languages-release": "9.0"])
        return CloneCheck(
            SandboxDefinition(name: "lab", version: "1", playbook: playbook), pins: pins, hostAddress: "10.0.2.2")
    }

    @Test("the same question as the role's, with its mirrors, to the host's address of a server on this host")
    func question() async throws {
        let mirrors = Variable.map(["https://github.com/exasol/": .string("http://10.0.2.2:80/")])
        let runner = Answering(CommandOutput())
        try await check(variables: ["script_languages_mirrors": mirrors])?.check(stepsDone: 0, runner)
        let command = try #require(runner.commands.first)
        #expect(
            command.shellLine.hasSuffix(
                "timeout --kill-after=2 10 git ls-remote --exit-code --tags -- "
                    + "https://127.0.0.1:8443/release.git refs/tags/9.0"), "\(command.shellLine)")
        #expect(command.environment["GIT_CONFIG_KEY_0"] == "url.http://127.0.0.1:80/.insteadOf")
        #expect(command.environment["GIT_CONFIG_VALUE_0"] == "https://github.com/exasol/")
        #expect(command.environment["GIT_TERMINAL_PROMPT"] == "0" && command.environment["GIT_CONFIG_COUNT"] == "1")
    }

    @Test(
        "no answer and no tag are failures with the words and the code of the role's",
        arguments: [
            (CommandOutput(status: .exited(2)), "\(url) has no tag 9.0"),
            (
                CommandOutput(status: .exited(128), standardError: "fatal: cannot\n connect\n"),
                "script-languages-release cannot be reached: fatal: cannot connect"
            ),
            (CommandOutput(status: .exited(124)), "script-languages-release cannot be reached: no answer in time"),
        ])
    func failure(output: CommandOutput, message: String) async throws {
        let failure = await #expect(throws: Failure.self) {
            try await check()?.check(stepsDone: 1, Answering(output))
        }
        #expect(failure?.message == message && failure?.code == .failed)
    }

    @Test("a clone in the cache needs no network, and a host without git is not asked")
    func unasked() async throws {
        let runner = Answering(CommandOutput(status: .exited(128)))
        try await check()?.check(stepsDone: 2, runner)
        #expect(runner.commands.isEmpty)
        try await check()?.check(stepsDone: 0, Answering(CommandOutput(status: .exited(127))))
    }

    @Test("nothing is asked where the playbook does not clone, or only the role knows from where")
    func nothing() {
        #expect(check() != nil)
        #expect(check(roles: ["base", "jupyter"]) == nil)
        #expect(check(variables: ["script_languages_url": .string("{{ mirror }}/release.git")]) == nil)
        #expect(check(variables: ["script_languages_url": .integer(1)]) == nil)
    }
}

/// A host on which every program gives the same answer.
private final class Answering: ExecutingRunner {
    private let output: CommandOutput
    private let seen = Mutex<[Command]>([])

    var commands: [Command] { seen.withLock { $0 } }

    init(_ output: CommandOutput) { self.output = output }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        seen.withLock { $0.append(command) }
        return output
    }
}

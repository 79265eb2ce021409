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
        "only the host's address itself is asked on this host's loopback",
        arguments: [
            ("git://10.0.2.2/x", "git://127.0.0.1/x"), ("git@10.0.2.2:x", "git@127.0.0.1:x"),
            ("http://10.0.2.25/x", "http://10.0.2.25/x"), ("http://10.0.2.2.test/x", "http://10.0.2.2.test/x"),
        ])
    func address(url: String, asked: String) async throws {
        let runner = Answering(CommandOutput())
        try await check(variables: ["script_languages_url": .string(url)])?.check(stepsDone: 0, runner)
        let arguments = try #require(runner.commands.first).arguments
        #expect(arguments.contains(asked), "\(arguments)")
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

    @Test("logins are in a private file while Git asks, and in no argument, variable or message")
    func logins() async throws {
        let mirrors = Variable.map(["https://github.com/": .string("https://me:s%40cret@10.0.2.2:8443/")])
        let check = check(variables: [
            "script_languages_url": .string("https://token@git.test/release.git"), "script_languages_mirrors": mirrors,
        ])
        let runner = Answering(CommandOutput(status: .exited(2)), reads: "GIT_CONFIG_VALUE_1")
        let failure = await #expect(throws: Failure.self) { try await check?.check(stepsDone: 0, runner) }
        #expect(failure?.message == "https://git.test/release.git has no tag 9.0")
        let command = try #require(runner.commands.first)
        #expect(command.arguments.contains("https://git.test/release.git"))
        #expect(command.environment["GIT_CONFIG_KEY_0"] == "url.https://127.0.0.1:8443/.insteadOf")
        #expect(command.environment["GIT_CONFIG_KEY_1"] == "credential.helper")
        #expect(!command.shellLine.contains("token") && !command.shellLine.contains("cret"))
        #expect(runner.file == "600 https://token:@git.test\nhttps://me:s%40cret@127.0.0.1:8443\n")
    }

    @Test("Git itself clones with them from a server and its mirror, and no process shows them")
    func realGit() async throws {
        try await withTemporaryDirectory { folder in
            let plain = SystemCommandRunner()
            let script = """
                git init --quiet work; cd work; git -c user.name=a -c user.email=b commit --quiet --allow-empty -m c
                git tag 9.0; git clone --quiet --bare . ../web/release.git; git -C ../web/release.git update-server-info
                """
            try await plain.run(Command("sh", ["-e", "-c", script], workingDirectory: folder))
            let runner = try await WatchedRunner("\(folder)/web")
            try await check(variables: ["script_languages_url": .string(runner.url("release.git"))])?
                .check(stepsDone: 0, runner)
            let mirrors = Variable.map(["https://git.invalid/": .string(runner.url(""))])
            try await check(variables: [
                "script_languages_url": .string("https://git.invalid/release.git"), "script_languages_mirrors": mirrors,
            ])?.check(stepsDone: 0, runner)
            #expect(runner.leaks == [])
        }
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
    private let variable: String?
    private let seen = Mutex<[Command]>([])
    private let text = Mutex("")

    var commands: [Command] { seen.withLock { $0 } }

    /// The permissions and the contents of the file that the variable named.
    var file: String { text.withLock { $0 } }

    /// - Parameter variable: names a file after `=`, which is read while the program runs.
    init(_ output: CommandOutput, reads variable: String? = nil) { (self.output, self.variable) = (output, variable) }

    func execute(
        _ command: Command, onLine: (@Sendable (OutputStream, String) -> Void)?
    ) async throws -> CommandOutput {
        seen.withLock { $0.append(command) }
        if let variable, let value = command.environment[variable] ?? nil, let path = value.split(separator: "=").last {
            let read = Command("sh", ["-c", #"stat -c %a "$1" | tr '\n' ' '; cat "$1""#, "sh", String(path)])
            let said = try await SystemCommandRunner().run(read)
            text.withLock { $0 = said }
        }
        return output
    }
}

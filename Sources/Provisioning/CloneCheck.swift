import Sandbox
import Workbench

/// Looks whether script-languages-release can be cloned, with the same question as its role asks on the machine.
///
/// A release must contain the clone, so an address that does not answer fails the build; asked beforehand, in seconds.
package struct CloneCheck: Sendable {
    /// The role that clones.
    private static let role = "script_languages"

    /// The repository, without the login that its URL may have.
    let url: String
    let version: String
    private let command: Command
    /// Settings for Git, as it takes them from the environment.
    private let settings: [(name: String, value: String)]
    /// Lines for `git credential-store`.
    private let credentials: [String]
    private let firstStepWithout: Int

    /// - Parameter hostAddress: The address of this host in the build machine.
    /// - Returns: `nil` if the playbook does not clone, or if only the role knows from where.
    package init?(_ definition: SandboxDefinition, pins: Pins, hostAddress: String) {
        let variables = definition.playbook.variables
        let text = { (name: String) in if case .string(let text)? = variables[name] { text } else { nil as String? } }
        guard let step = definition.playbook.steps.firstIndex(where: { $0.roles.contains(Self.role) }),
            let url = text("script_languages_url"),
            let version = text("script_languages_version") ?? pins.git["script-languages-release"],
            !url.contains("{{"), !version.contains("{{")
        else { return nil }
        let seen = { (address: String) in
            address.replacing("//\(hostAddress)", with: "//127.0.0.1").replacing("@\(hostAddress)", with: "@127.0.0.1")
        }
        let (address, login) = seen(url).separatingLogin
        let mirrors = Self.mirrors(in: variables["script_languages_mirrors"], seen)
        (self.url, self.version, firstStepWithout) = (url.separatingLogin.url, version, step + 1)
        settings = mirrors.map { ("url.\($0.address).insteadOf", $0.original) }
        credentials = ([login] + mirrors.map(\.login)).compactMap { $0?.gitCredential }
        let limit =
            if case .integer(let seconds)? = variables["script_languages_answer_timeout"] { seconds } else { 10 }
        command = Command(
            "timeout",
            [
                "--kill-after=2", "\(limit)", "git", "ls-remote", "--exit-code", "--tags", "--", address,
                "refs/tags/\(version)",
            ],
            // Git must neither ask a question nor wait for ever.
            environment: [
                "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=\(limit)",
                "GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30",
            ])
    }

    /// Asks the repository for the tag.
    ///
    /// - Parameter stepsDone: the number of steps whose result is in the cache; a clone among them needs no network.
    /// - Throws: `Failure` with the message and the code that the role's failure would have.
    package func check(stepsDone: Int, _ runner: some CommandRunner) async throws {
        guard stepsDone < firstStepWithout else { return }
        let output: CommandOutput
        // This host needs no git for a build, the machine does.
        do { output = try await ask(runner) } catch is ToolMissing { return }
        try Task.checkCancellation()
        switch output.status {
        case .exited(0), .exited(127): return
        // Git's answer that there is no such tag.
        case .exited(2): throw Failure(.failed, "\(url) has no tag \(version)")
        default:
            let said = output.standardError.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            throw Failure(
                .failed, "script-languages-release cannot be reached: \(said.isEmpty ? "no answer in time" : said)",
                advice: "make \(url) reachable, or build without --release")
        }
    }

    /// Git starts a program with the URL in its arguments, so it gets logins in a file.
    private func ask(_ runner: some CommandRunner) async throws -> CommandOutput {
        guard !credentials.isEmpty else { return try await runner.execute(command(settings)) }
        return try await withTemporaryDirectory { directory in
            let file = "\(directory)/credentials"
            try writeAtomically(credentials.joined(), to: file, mode: 0o600)
            return try await runner.execute(
                command(settings + [("credential.helper", "store --file=\(shellQuoted(file))")]))
        }
    }

    private func command(_ settings: [(name: String, value: String)]) -> Command {
        var command = command
        command.environment["GIT_CONFIG_COUNT"] = "\(settings.count)"
        for (index, setting) in settings.enumerated() {
            command.environment["GIT_CONFIG_KEY_\(index)"] = setting.name
            command.environment["GIT_CONFIG_VALUE_\(index)"] = setting.value
        }
        return command
    }

    private static func mirrors(
        in variable: Variable?, _ seen: (String) -> String
    ) -> [(original: String, address: String, login: URLLogin?)] {
        guard case .map(let mirrors)? = variable else { return [] }
        return mirrors.sorted { $0.key < $1.key }.compactMap { original, mirror in
            guard case .string(let mirror) = mirror else { return nil }
            let (address, login) = seen(mirror).separatingLogin
            return (original, address, login)
        }
    }
}

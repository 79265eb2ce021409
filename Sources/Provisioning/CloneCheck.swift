import Sandbox
import Workbench

/// Looks whether script-languages-release can be cloned, with the same question as its role asks on the machine.
///
/// A release must contain the clone, so an address that does not answer fails the build; asked beforehand, in seconds.
package struct CloneCheck: Sendable {
    /// The role that clones.
    private static let role = "script_languages"

    let url: String
    let version: String
    private let command: Command
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
        let seen = { (address: String) in address.replacing("//\(hostAddress)", with: "//127.0.0.1") }
        (self.url, self.version, firstStepWithout) = (url, version, step + 1)
        let limit =
            if case .integer(let seconds)? = variables["script_languages_answer_timeout"] { seconds } else { 10 }
        command = Command(
            "timeout",
            [
                "--kill-after=2", "\(limit)", "git", "ls-remote", "--exit-code", "--tags", "--", seen(url),
                "refs/tags/\(version)",
            ], environment: Self.environment(mirrors: variables["script_languages_mirrors"], limit, seen))
    }

    /// Asks the repository for the tag.
    ///
    /// - Parameter stepsDone: the number of steps whose result is in the cache; a clone among them needs no network.
    /// - Throws: `Failure` with the message and the code that the role's failure would have.
    package func check(stepsDone: Int, _ runner: some CommandRunner) async throws {
        guard stepsDone < firstStepWithout else { return }
        let output: CommandOutput
        // This host needs no git for a build, the machine does.
        do { output = try await runner.execute(command) } catch is ToolMissing { return }
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

    /// Git must neither ask a question nor wait for ever; mirrors are settings that it takes from the environment.
    private static func environment(
        mirrors: Variable?, _ limit: Int, _ seen: (String) -> String
    ) -> [String: String?] {
        let pairs: [(String, String)] =
            if case .map(let mirrors)? = mirrors {
                mirrors.sorted { $0.key < $1.key }.compactMap { original, mirror in
                    if case .string(let address) = mirror { (original, seen(address)) } else { nil }
                }
            } else { [] }
        var environment: [String: String?] = [
            "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=\(limit)",
            "GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30", "GIT_CONFIG_COUNT": "\(pairs.count)",
        ]
        for (index, (original, mirror)) in pairs.enumerated() {
            environment["GIT_CONFIG_KEY_\(index)"] = "url.\(mirror).insteadOf"
            environment["GIT_CONFIG_VALUE_\(index)"] = original
        }
        return environment
    }
}

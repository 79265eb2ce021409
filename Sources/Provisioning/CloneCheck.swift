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
    private let question: GitQuestion
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
            ["//", "@"].reduce(address) { address, before in
                guard let range = address.firstRange(of: before + hostAddress),
                    address[range.upperBound...].first.map({ ":/".contains($0) }) ?? true
                else { return address }
                return address[..<range.lowerBound] + before + "127.0.0.1" + address[range.upperBound...]
            }
        }
        (self.url, self.version, firstStepWithout) = (url.separatingLogin.url, version, step + 1)
        let limit =
            if case .integer(let seconds)? = variables["script_languages_answer_timeout"] { seconds } else { 10 }
        var question = GitQuestion(
            ["ls-remote", "--exit-code", "--tags"], seen(url), ["refs/tags/\(version)"], limit: limit)
        if case .map(let mirrors)? = variables["script_languages_mirrors"] {
            for (original, mirror) in mirrors.sorted(by: { $0.key < $1.key }) {
                if case .string(let address) = mirror { question.addMirror(of: original, seen(address)) }
            }
        }
        self.question = question
    }

    /// Asks the repository for the tag.
    ///
    /// - Parameter stepsDone: the number of steps whose result is in the cache; a clone among them needs no network.
    /// - Throws: `Failure` with the message and the code that the role's failure would have.
    package func check(stepsDone: Int, _ runner: some CommandRunner) async throws {
        guard stepsDone < firstStepWithout else { return }
        let output: CommandOutput
        // This host needs no git for a build, the machine does.
        do { output = try await question.ask(runner) } catch is ToolMissing { return }
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
}

import Sandbox
import Workbench

/// A question to a Git repository, which must neither ask a question in turn nor wait for ever.
///
/// Git passes the URL on to a program that it starts, in an argument. It therefore gets logins in a file.
struct GitQuestion: Sendable {
    private var command: Command
    /// Settings, as Git takes them from the environment.
    private var settings: [(name: String, value: String)] = []
    private var logins: [URLLogin] = []

    /// - Parameters:
    ///   - words: the subcommand of Git and its options.
    ///   - url: the repository, which may have a login.
    ///   - limit: how many seconds to wait.
    init(_ words: [String], _ url: String, _ references: [String] = [], limit: Int) {
        let (address, login) = url.separatingLogin
        command = Command(
            "timeout", ["--kill-after=2", "\(limit)", "git"] + words + ["--", address] + references,
            environment: [
                "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=\(limit)",
                "GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "30",
            ])
        logins = [login].compactMap { $0 }
    }

    /// Reaches the repositories whose URLs begin with `original` at another URL.
    mutating func addMirror(of original: String, _ url: String) {
        let (address, login) = url.separatingLogin
        settings.append(("url.\(address).insteadOf", original))
        if let login { logins.append(login) }
    }

    func ask(_ runner: some CommandRunner) async throws -> CommandOutput {
        guard !logins.isEmpty else { return try await runner.execute(command(settings)) }
        return try await withTemporaryDirectory { directory in
            let file = "\(directory)/credentials"
            try writeAtomically(logins.map(\.gitCredential).joined(), to: file, mode: 0o600)
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
}

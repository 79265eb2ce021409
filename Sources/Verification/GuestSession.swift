import Sandbox
import Workbench

/// The interaction with one booted copy; each function does the work of one check and throws if it fails.
struct GuestSession<Runner: CommandRunner>: Sendable {
    var runner: Runner
    var address: GuestAddress
    var login: GuestLogin
    var expectations: Expectations
    var newPassword: Secret
    var onProgress: @Sendable (Progress) -> Void
    var limits: Expectations.Limits { expectations.limits }

    /// Waits until sshd presents its host keys. A successful connection alone proves nothing, because a forwarded port
    /// accepts every connection.
    func waitForSSH() async throws -> HostKeys {
        let start = ContinuousClock.now
        while true {
            let waited = ContinuousClock.now - start
            onProgress(Progress("waiting for sshd, \(waited.components.seconds) s"))
            let (keys, said) = try await keysShown()
            if let keys { return keys }
            guard waited < limits.boot else {
                throw CheckFailure(
                    "sshd did not answer within \(limits.boot)" + (said.isEmpty ? "" : ": \(said)"),
                    console: address.consoleLog)
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// - Returns: The host keys, or `nil` and the last line of output if sshd does not answer yet.
    /// - Throws: `CheckFailure` if a remote guest presents a key that is not among its known keys.
    private func keysShown() async throws -> (HostKeys?, String) {
        guard let remote = address.remote else {
            let keys = HostKeys(scan: try await runner.execute(login.scan).standardOutput)
            if !keys.isEmpty { try believe(keys, port: login.port) }
            return (keys.isEmpty ? nil : keys, "")
        }
        let keys = HostKeys(remote.hostKeys)
        try believe(keys, port: remote.sshConfig == nil ? login.port : 22)
        let output = try await runner.execute(login.knock)
        if output.standardError.contains("Host key verification failed") {
            throw CheckFailure("sshd presents a different host key than the one the machine reported")
        }
        return (output.standardError.contains("Permission denied") ? keys : nil, output.lastLine)
    }

    private func believe(_ keys: HostKeys, port: Int) throws {
        try writeAtomically(keys.knownHosts(host: login.host, port: port), to: login.knownHosts, mode: 0o600)
    }

    /// A browser that reaches JupyterLab directly, or through a tunnel if the guest is remote or its message says so.
    func browser(for invitation: Invitation?) -> JupyterClient<Runner> {
        let needsTunnel = address.remote != nil || invitation?.needsTunnel == true
        return JupyterClient(
            runner: runner, address: address, directory: login.directory, tunnel: needsTunnel ? login.tunnel : nil)
    }

    /// Opens the tunnel to JupyterLab.
    func openTunnel() async throws {
        try login.answer(with: newPassword)
        for command in [login.shared(["true"]), login.openTunnel(to: expectations.jupyterPort)] {
            let output = try await withTimeout(limits.answer, "the tunnel to JupyterLab") { [runner] in
                try await runner.execute(command)
            }
            guard output.status.isSuccess else {
                throw CheckFailure("failed to open a tunnel to JupyterLab: \(output.lastLine)")
            }
        }
    }

    /// Logs in with the default password and enters a new one when the guest prompts for it.
    func changeForcedPassword() async throws -> Verdict {
        onProgress(Progress("logging in with the default password"))
        try login.answer(with: expectations.password, new: newPassword)
        let command = login.command(["echo logged''-in"], terminal: true)
        let (change, heard) = try await conversing(command, "the first login") { guest in
            try await PasswordChange.converse(guest, old: expectations.password, new: newPassword)
        }
        return change.verdict(asked: login.asked, heard: heard, user: expectations.user)
    }

    /// - Returns: Whether the login succeeded, and the last line of output.
    func logsIn(with password: Secret) async throws -> (Bool, String) {
        try login.answer(with: password)
        let output = try await withTimeout(limits.answer, "a login") { [runner, login] in
            try await runner.execute(login.command(["echo logged''-in"]))
        }
        return (output.standardOutput.contains("logged-in"), output.lastLine)
    }

    func gatherUserFacts() async throws -> Facts {
        onProgress(Progress("inspecting the guest as \(expectations.user)"))
        return try await facts(login.shared(["sh -s"], input: .text(expectations.userScript)))
    }

    /// Gathers facts as root. The password for sudo is the first line of standard input, before the script; `sudo -v`
    /// consumes it, so that the script does not see it.
    func gatherRootFacts() async throws -> Facts {
        onProgress(Progress("inspecting the guest as root"))
        // Not `sudo -k -v`: in combination with another option, -k makes sudo ignore the cached credentials of -v.
        let remote = #"IFS= read -r p; sudo -k; printf '%s\n' "$p" | sudo -S -p '' -v && unset p && sudo -n sh -s"#
        let input = newPassword.reveal + "\n" + expectations.rootScript
        return try await facts(login.shared([remote], input: .text(input)))
    }

    func readListeners() async throws -> Listeners {
        try login.answer(with: newPassword)
        let command = login.shared(["ss -Hltn 'sport = :\(expectations.jupyterPort)'"])
        let output = try await withTimeout(limits.answer, "a query of the listening sockets") { [runner] in
            try await runner.execute(command)
        }
        guard output.status.isSuccess else { throw CheckFailure("ss failed: \(output.lastLine)") }
        return Listeners(output.standardOutput)
    }

    /// Runs kernels and notebooks.
    /// - Parameter secret: The token of JupyterLab; without it, no kernel is started through JupyterLab.
    func gatherKernelFacts(_ secret: Secret?) async throws -> Facts {
        onProgress(Progress("running kernels and notebooks"))
        let checks = KernelChecks(expectations, secret: secret)
        // The program itself ends at the limit, and reports what it found until then.
        return try await facts(
            login.shared([checks.command], input: .text(try checks.program)), within: limits.kernels + limits.answer
        ) { [onProgress] in KernelChecks.activity(in: $0).map { onProgress(Progress($0)) } }
    }

    /// - Returns: The last line of output, and the machine-id if the command succeeded.
    func readMachineID() async throws -> (String, String?) {
        try login.answer(with: newPassword)
        let output = try await withTimeout(limits.answer, "a login") { [runner, login] in
            try await runner.execute(login.command(["cat /etc/machine-id"]))
        }
        let id = output.standardOutput.trimmedLine
        return (output.lastLine, output.status.isSuccess && !id.isEmpty ? id : nil)
    }

    private func facts(
        _ command: Command, within limit: Duration? = nil, onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> Facts {
        let limit = limit ?? limits.services + limits.answer
        let output = try await withTimeout(limit, "the inspection") { [runner] in
            try await runner.execute(command) { _, line in onLine(line) }
        }
        let facts = Facts(output.standardOutput)
        guard output.status.isSuccess else {
            throw CheckFailure("the session ended with \(output.status): \(output.lastLine)")
        }
        return facts
    }

    /// The message that a user sees at login.
    func readMessage() async throws -> MessageOfTheDay {
        onProgress(Progress("reading the message of the day"))
        try login.answer(with: newPassword)
        let (_, heard) = try await conversing(login.command(terminal: true), "an interactive login") { guest in
            try await guest.send("echo end-of''-message; exit")
            _ = try await guest.expect("end-of-message")
            _ = try await guest.finish()
        }
        return MessageOfTheDay(heard)
    }

    /// Waits until the console shows the token above a login prompt.
    func readConsole(for token: Secret?) async throws -> Verdict {
        guard address.remote == nil else { return .skipped("the console of an instance does not show the token") }
        guard let token else { return .failed("the token is unknown") }
        let start = ContinuousClock.now
        while true {
            let console = try readText(address.consoleLog)
            if let shown = console.firstRange(of: token.reveal) {
                if console[shown.upperBound...].contains("login:") { return .passed() }
            }
            guard ContinuousClock.now - start < limits.answer else {
                return .failed("the console ends with:\n\(tail(of: address.consoleLog, lines: 12))")
            }
            onProgress(Progress("waiting for the login prompt on the console"))
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Runs the command from the message of the day and answers its prompts.
    func changeJupyterPassword(by line: String, to password: Secret) async throws -> Verdict {
        onProgress(Progress("changing the password of JupyterLab"))
        try login.answer(with: newPassword)
        let (status, heard) = try await conversing(
            login.command(["\(line); echo ended''-with=$?="], terminal: true), line
        ) { guest in
            let end = "ended-with="
            while let question = try await guest.expect(end, "[sudo] password", "enter password", "verify password") {
                if question == end { return try await guest.expect("0=", "=") == "0=" }
                let answer = question.hasPrefix("[") ? newPassword : password
                if try await guest.expect(":") != nil { try await guest.send(answer.reveal) }
            }
            return false
        }
        return status ? .passed(line) : .failed("'\(line)' failed: \(heard.lastLines)")
    }

    private func conversing<Result: Sendable>(
        _ command: Command, _ activity: String, _ body: @escaping @Sendable (PromptSession) async throws -> Result
    ) async throws -> (Result, String) {
        let heard = Transcript()
        do {
            let result = try await withTimeout(limits.answer, activity) { [runner] in
                try await runner.converse(command) { guest in
                    do {
                        let result = try await body(guest)
                        await heard.set(guest.transcript)
                        return result
                    } catch {
                        await heard.set(guest.transcript)
                        throw error
                    }
                }
            }
            return (result, await heard.text)
        } catch let error as TimedOut {
            throw CheckFailure("\(error); guest output: \(await heard.text.lastLines)")
        }
    }
}

/// The output of a conversation, which is kept even if the conversation ends with an error.
private actor Transcript {
    private(set) var text = ""
    func set(_ text: String) { self.text = text }
}

/// The reason why a check failed.
struct CheckFailure: Error, CustomStringConvertible {
    var description: String

    /// - Parameter console: A console log, whose last lines are added to the reason.
    init(_ reason: String, console: String? = nil) {
        let end = console.map { tail(of: $0, lines: 12) } ?? ""
        description = end.isEmpty ? reason : "\(reason); the console log ends with:\n\(end)"
    }
}

extension CommandOutput {
    /// The last line of output on standard error, or on standard output if that is empty.
    var lastLine: String { (standardOutput + "\n" + standardError).lastLines(1) }
}

extension String {
    var lastLines: String { lastLines(4) }

    fileprivate func lastLines(_ count: Int) -> String {
        split(whereSeparator: \.isNewline).map { String($0).trimmedLine }.filter { !$0.isEmpty }.suffix(count)
            .joined(separator: " | ")
    }
}

import Sandbox
import Workbench

/// What is done at one booted copy; each function is one check's work and throws where it fails.
struct Visit<Runner: CommandRunner>: Sendable {
    var runner: Runner
    var address: GuestAddress
    var login: GuestLogin
    var expectations: Expectations
    var newPassword: Secret
    var onProgress: @Sendable (Progress) -> Void
    var limits: Expectations.Limits { expectations.limits }

    /// Tries until sshd shows its keys; connecting alone says nothing, because a forwarded port takes every connection.
    func waitForSSH() async throws -> HostKeys {
        let start = ContinuousClock.now
        while true {
            let waited = ContinuousClock.now - start
            onProgress(Progress("waiting for sshd, \(waited.components.seconds) s"))
            let (keys, said) = try await keysShown()
            if let keys { return keys }
            guard waited < limits.boot else {
                throw CheckFailed(
                    "sshd did not answer within \(limits.boot)" + (said.isEmpty ? "" : ": \(said)"),
                    console: address.consoleLog)
            }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// - Returns: `nil` where it does not answer yet, and what was said instead.
    /// - Throws: `CheckFailed` where a remote guest shows another key than those that it is known by.
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
            throw CheckFailed("sshd shows another host key than the machine has told of")
        }
        return (output.standardError.contains("Permission denied") ? keys : nil, output.lastLine)
    }

    private func believe(_ keys: HostKeys, port: Int) throws {
        try writeAtomically(keys.knownHosts(host: login.host, port: port), to: login.knownHosts, mode: 0o600)
    }

    /// Opens the way to JupyterLab where it is not reached directly.
    func openTunnel() async throws {
        guard let remote = address.remote else { return }
        try login.answer(with: newPassword)
        for command in [login.shared(["true"]), login.tunnel(from: address.jupyterPort, to: remote.jupyterPort)] {
            let output = try await withTimeout(limits.answer, "the tunnel to JupyterLab") { [runner] in
                try await runner.execute(command)
            }
            guard output.status.isSuccess else { throw CheckFailed("no tunnel to JupyterLab: \(output.lastLine)") }
        }
    }

    /// Logs in with the default password and gives the new one that the guest must ask for.
    func changeForcedPassword() async throws -> Verdict {
        onProgress(Progress("logging in with the default password"))
        try login.answer(with: expectations.password, new: newPassword)
        let command = login.command(["echo logged''-in"], terminal: true)
        let (change, heard) = try await conversing(command, "the first login") { guest in
            try await PasswordChange.converse(guest, old: expectations.password, new: newPassword)
        }
        return change.verdict(asked: login.asked, heard: heard, user: expectations.user)
    }

    /// - Returns: whether the guest lets the user in.
    func logsIn(with password: Secret) async throws -> (Bool, String) {
        try login.answer(with: password)
        let output = try await withTimeout(limits.answer, "a login") { [runner, login] in
            try await runner.execute(login.command(["echo logged''-in"]))
        }
        return (output.standardOutput.contains("logged-in"), output.lastLine)
    }

    func gatherUserFacts() async throws -> Facts {
        onProgress(Progress("looking around as \(expectations.user)"))
        return try await facts(login.shared(["sh -s"], input: .text(FactSource.user.script(expectations))))
    }

    /// The password goes to sudo by the same way as the script, its first line, and `-v` before keeps it out of what follows.
    func gatherRootFacts() async throws -> Facts {
        onProgress(Progress("looking around as root"))
        // Not `sudo -k -v`: together with another option, -k forgets what -v has learned.
        let remote = #"IFS= read -r p; sudo -k; printf '%s\n' "$p" | sudo -S -p '' -v && unset p && sudo -n sh -s"#
        let input = newPassword.reveal + "\n" + FactSource.root.script(expectations)
        return try await facts(login.shared([remote], input: .text(input)))
    }

    /// - Returns: what the guest said, and the id in it.
    func readMachineID() async throws -> (String, String?) {
        try login.answer(with: newPassword)
        let output = try await withTimeout(limits.answer, "a login") { [runner, login] in
            try await runner.execute(login.command(["cat /etc/machine-id"]))
        }
        let id = output.standardOutput.trimmedLine
        return (output.lastLine, output.status.isSuccess && !id.isEmpty ? id : nil)
    }

    private func facts(_ command: Command) async throws -> Facts {
        let output = try await withTimeout(limits.services + limits.answer, "looking around") { [runner] in
            try await runner.execute(command)
        }
        let facts = Facts(output.standardOutput)
        guard output.status.isSuccess else {
            throw CheckFailed("the session ended with \(output.status): \(output.lastLine)")
        }
        return facts
    }

    /// What a person sees at login.
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

    /// Runs the command that the message names, and answers what it asks.
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
        _ command: Command, _ activity: String, _ body: @escaping @Sendable (Conversation) async throws -> Result
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
            throw CheckFailed("\(error); the guest said: \(await heard.text.lastLines)")
        }
    }
}

/// What a conversation heard, kept also where it ended with an error.
private actor Transcript {
    private(set) var text = ""
    func set(_ text: String) { self.text = text }
}

/// Why a check failed, in words.
struct CheckFailed: Error, CustomStringConvertible {
    var description: String

    /// - Parameter console: the console log whose end is shown too.
    init(_ reason: String, console: String? = nil) {
        let end = console.map { tail(of: $0, lines: 12) } ?? ""
        description = end.isEmpty ? reason : "\(reason); its console ends with:\n\(end)"
    }
}

extension CommandOutput {
    /// The last thing that a program said.
    var lastLine: String { (standardOutput + "\n" + standardError).lastLines(1) }
}

extension String {
    var lastLines: String { lastLines(4) }

    fileprivate func lastLines(_ count: Int) -> String {
        split(whereSeparator: \.isNewline).map { String($0).trimmedLine }.filter { !$0.isEmpty }.suffix(count)
            .joined(separator: " | ")
    }
}

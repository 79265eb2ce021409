import Sandbox
import Workbench

/// Password logins to one copy with the real `ssh`, the way a user does it.
///
/// Passwords never appear on a command line or in the environment: `ssh` runs a helper that reads them from a file that
/// only its owner can read. The helper itself is in no directory, since `/tmp` may be mounted with noexec. The trusted
/// host keys are the known keys of a remote copy, or the first keys that a local copy presented; all others are
/// rejected.
struct GuestLogin: Sendable {
    var user: String
    var host: String
    var port: Int
    /// A directory private to this copy; removed afterwards.
    var directory: String
    var remote: GuestAddress.Remote?

    init(to address: GuestAddress, as user: String, in directory: String) {
        self.user = user
        host = address.host
        port = address.sshPort
        remote = address.remote
        self.directory = directory
    }

    var knownHosts: String { "\(directory)/known_hosts" }
    private var controlPath: String { "\(directory)/mux" }

    /// Sets the answers to the prompts of `ssh`.
    /// - Parameter new: The answer to a prompt for a new password; by default, the same as `password`.
    func answer(with password: Secret, new: Secret? = nil) throws {
        _ = try Self.helper.get()
        let files = [("password", password.reveal), ("new", (new ?? password).reveal), ("asked", "")]
        for (name, text) in files {
            try writeAtomically(text.isEmpty ? "" : text + "\n", to: "\(directory)/\(name)", mode: 0o600)
        }
    }

    /// The prompts of `ssh` since the answers were set.
    var asked: [String] {
        ((try? readText("\(directory)/asked")) ?? "").split(separator: "\n").map(String.init)
    }

    private static let helper = Result {
        try ProgramInMemory(
            """
            #!/bin/sh
            # Answers the prompt $1 of ssh.
            printf '%s\\n' "$1" >>"$DSS_ANSWERS/asked"
            case $1 in
            *[Nn]ew*) cat "$DSS_ANSWERS/new" ;;
            *) cat "$DSS_ANSWERS/password" ;;
            esac

            """)
    }

    /// A command that uses a separate login.
    /// - Parameter terminal: Whether to allocate a terminal on the guest.
    func command(_ remote: [String] = [], terminal: Bool = false, input: Command.Input = .none) -> Command {
        ssh((terminal ? ["-tt"] : []) + ["-o", "ControlPath=none"], remote, input)
    }

    /// A command that uses the shared connection, which is opened and authenticated only once.
    func shared(_ remote: [String], input: Command.Input = .none) -> Command {
        // A tunnel must outlive everything that does not use the shared connection.
        let options = ["ControlMaster=auto", "ControlPath=\(controlPath)", "ControlPersist=1800"]
        return ssh(options.flatMap { ["-o", $0] }, remote, input)
    }

    /// The local end of the tunnel to JupyterLab: a socket, which no other user can reach, unlike a port.
    var tunnel: String { "\(directory)/jupyter" }

    /// Opens the tunnel to a port of the guest, through the shared connection.
    func openTunnel(to port: Int) -> Command {
        let forward = "\(tunnel):localhost:\(port)"
        return Command(
            "ssh", ["-F", "none", "-o", "ControlPath=\(controlPath)", "-O", "forward", "-L", forward, host])
    }

    /// Closes the shared connection.
    var hangUp: Command {
        Command("ssh", ["-F", "none", "-o", "ControlPath=\(controlPath)", "-O", "exit", host])
    }

    /// Reads the host keys without logging in.
    var scan: Command {
        Command("ssh-keyscan", ["-T", "20", "-p", "\(port)", "-t", "ed25519", host])
    }

    /// A login attempt without authentication, which sshd rejects: the error shows that sshd answers, and with which
    /// key.
    var knock: Command { ssh(["-o", "ControlPath=none"], [], .none, by: "none") }

    private func ssh(
        _ options: [String], _ remote: [String], _ input: Command.Input,
        by methods: String = "keyboard-interactive,password"
    ) -> Command {
        var settings = [
            "User=\(user)", "UserKnownHostsFile=\"\(knownHosts)\"", "GlobalKnownHostsFile=none",
            "StrictHostKeyChecking=yes", "PubkeyAuthentication=no", "IdentityAgent=none",
            "PreferredAuthentications=\(methods)", "NumberOfPasswordPrompts=1",
            "ConnectTimeout=30", "ServerAliveInterval=15", "ServerAliveCountMax=4", "LogLevel=ERROR",
        ]
        let config = self.remote?.sshConfig
        settings += config == nil ? ["Port=\(port)"] : hostKeyOptions
        return Command(
            "ssh", ["-F", config ?? "none"] + settings.flatMap { ["-o", $0] } + options + [host] + remote,
            environment: [
                "SSH_ASKPASS": (try? Self.helper.get())?.path, "SSH_ASKPASS_REQUIRE": "force", "DSS_ANSWERS": directory,
                "LC_ALL": "C", "TERM": "dumb", "SSH_AUTH_SOCK": nil,
            ], input: input)
    }

    /// Options that override the user's SSH configuration, so that only the known host keys are trusted.
    private var hostKeyOptions: [String] {
        [
            "HostKeyAlias=\(host)", "KnownHostsCommand=none", "NoHostAuthenticationForLocalhost=no",
            "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "ForwardAgent=no", "RemoteCommand=none",
        ]
    }
}

/// The public host keys of a guest: type and key, as `ssh-keyscan` prints them.
struct HostKeys: Sendable, Equatable {
    var keys: Set<String>

    init(_ keys: Set<String>) {
        self.keys = keys
    }

    init(scan: String) {
        keys = Set(
            scan.split(whereSeparator: \.isNewline).compactMap { line in
                let words = line.split(separator: " ")
                return words.count == 3 && !line.hasPrefix("#") ? "\(words[1]) \(words[2])" : nil
            })
    }

    var isEmpty: Bool { keys.isEmpty }
    var types: [String] { keys.compactMap { $0.split(separator: " ").first.map(String.init) }.sorted() }

    /// The contents of a `known_hosts` file.
    func knownHosts(host: String, port: Int) -> String {
        keys.sorted().map { "\(port == 22 ? host : "[\(host)]:\(port)") \($0)\n" }.joined()
    }
}

/// The outcome of a first login.
///
/// A guest forces a password change in one of two ways: after the login, with `passwd` on the terminal (sshd's password
/// authentication), or during the login, with PAM prompts that `ssh` shows (keyboard-interactive).
enum PasswordChange: Sendable, Equatable {
    /// `passwd` prompted on the terminal and accepted the new password.
    case onTerminal
    /// `passwd` prompted on the terminal and rejected the new password.
    case rejected
    /// The session started without a prompt on the terminal.
    case loggedIn
    /// The login ended before a session started.
    case ended

    static func converse(_ guest: PromptSession, old: Secret, new: Secret) async throws -> PasswordChange {
        switch try await guest.expect("current password:", "current unix password:", "logged-in") {
        case nil: return .ended
        case "logged-in": return .loggedIn
        default: try await guest.send(old.reveal)
        }
        guard try await guest.expect("new password:", "authentication token") == "new password:" else {
            return .rejected
        }
        try await guest.send(new.reveal)
        guard try await guest.expect("retype new password:", "bad password") == "retype new password:" else {
            return .rejected
        }
        try await guest.send(new.reveal)
        return try await guest.expect("updated successfully") == nil ? .rejected : .onTerminal
    }

    /// - Parameters:
    ///   - asked: The prompts of `ssh` itself.
    ///   - heard: The terminal output.
    func verdict(asked: [String], heard: String, user: String) -> Verdict {
        let askedForNew = asked.contains { $0.lowercased().contains("new password") }
        switch self {
        case .onTerminal: return .passed("prompted by passwd after login")
        case .loggedIn where askedForNew: return .passed("prompted during login")
        case .loggedIn: return .failed("'\(user)' could log in without a password change")
        case .rejected: return .failed("the new password was rejected: \(heard.lastLines)")
        case .ended where heard.lowercased().contains("permission denied"):
            return .failed(
                askedForNew
                    ? "the new password was rejected: \(heard.lastLines)"
                    : "the guest rejected the default password of '\(user)': \(heard.lastLines)")
        case .ended: return .failed("the login ended early: \(heard.lastLines)")
        }
    }
}

/// The message that an interactive login shows before its prompt.
struct MessageOfTheDay: Sendable, Equatable {
    /// The lines of the message, without those in which the terminal echoes the end mark.
    private var lines: [String]

    static let endMark = "end-of-message"

    /// - Parameter heard: The complete terminal output.
    init(_ heard: String) {
        // Split with `isNewline`: CR LF, as a terminal prints it, is one character that does not equal LF.
        lines = heard.split(whereSeparator: \.isNewline).map(String.init).filter { line in
            !line.replacing("'", with: "").contains(Self.endMark)
        }
    }

    var text: String { lines.joined(separator: "\n") }

    /// The indented lines: addresses and commands.
    private var setOff: [String] {
        lines.filter { $0.hasPrefix("  ") || $0.hasPrefix("\t") }.map(\.trimmedLine)
    }

    /// The first address of JupyterLab, with its token if there is one.
    func link(port: Int) -> JupyterLink? {
        text.split(whereSeparator: \.isWhitespace).lazy.compactMap { JupyterLink(String($0), port: port) }.first
    }

    /// Whether JupyterLab is reached through an SSH tunnel only.
    func needsTunnel(to port: Int) -> Bool { SSHTunnel.isRequired(by: text, to: port) }

    /// The command that changes the password of JupyterLab.
    var command: String? {
        setOff.first { !$0.hasPrefix("http") && $0.contains("password") }
    }
}

/// How a sandbox says, in the message of the day and on its console, that JupyterLab listens on its loopback interface
/// only (`jupyter_bind: local` in the playbook): it shows the `ssh` command that opens a tunnel.
package enum SSHTunnel {
    package static func isRequired(by text: String, to port: Int) -> Bool { text.contains("ssh -L \(port):") }
}

/// An address of JupyterLab as a user opens it.
struct JupyterLink: Sendable, Equatable {
    /// The address without the query, for reports.
    var address: String
    /// What follows host and port, including the query.
    var path: String
    var token: Secret?

    /// - Returns: `nil` if the word is not an address with this port.
    init?(_ word: String, port: Int) {
        guard word.hasPrefix("http://") || word.hasPrefix("https://"), let found = word.firstRange(of: ":\(port)/")
        else { return nil }
        address = String(word.prefix { $0 != "?" })
        path = "/" + word[found.upperBound...]
        let hex = word.firstRange(of: "?token=").map { word[$0.upperBound...].prefix(while: \.isHexDigit) } ?? ""
        token = hex.utf8.count >= 32 ? Secret(String(hex)) : nil
    }
}

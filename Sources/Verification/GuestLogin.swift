import Sandbox
import Workbench

/// How one copy is logged in to with a password, the way a person does it, by the real `ssh`.
///
/// A password is never on a command line or in the environment: `ssh` runs a helper that reads it from a file which
/// only its owner can read. The host keys are those that a remote copy is known by, else those that the copy showed
/// first; others are refused.
struct GuestLogin: Sendable {
    var user: String
    var host: String
    var port: Int
    /// Private to this copy; removed afterwards.
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

    /// Sets what `ssh` is answered from now on.
    /// - Parameter new: the answer to a question for a new password.
    func answer(with password: Secret, new: Secret? = nil) throws {
        let files = [("password", password.reveal), ("new", (new ?? password).reveal), ("asked", "")]
        for (name, text) in files {
            try writeAtomically(text.isEmpty ? "" : text + "\n", to: "\(directory)/\(name)", mode: 0o600)
        }
        try writeAtomically(Self.helper, to: "\(directory)/askpass", mode: 0o700)
    }

    /// What `ssh` asked since the answers were set.
    var asked: [String] {
        ((try? readText("\(directory)/asked")) ?? "").split(separator: "\n").map(String.init)
    }

    private static let helper = """
        #!/bin/sh
        # Answers the question $1 of ssh.
        printf '%s\\n' "$1" >>"${0%/*}/asked"
        case $1 in
        *[Nn]ew*) cat "${0%/*}/new" ;;
        *) cat "${0%/*}/password" ;;
        esac

        """

    /// A login of its own.
    /// - Parameter terminal: whether the guest gives it one.
    func command(_ remote: [String] = [], terminal: Bool = false, input: Command.Input = .none) -> Command {
        ssh((terminal ? ["-tt"] : []) + ["-o", "ControlPath=none"], remote, input)
    }

    /// A session over a connection that is made and authenticated once.
    func shared(_ remote: [String], input: Command.Input = .none) -> Command {
        // A tunnel has to outlive all that is done beside the shared connection.
        let idle = self.remote == nil ? 60 : 1800
        let options = ["ControlMaster=auto", "ControlPath=\(controlPath)", "ControlPersist=\(idle)"]
        return ssh(options.flatMap { ["-o", $0] }, remote, input)
    }

    /// Lets a port of this machine lead to one of the guest's, through the shared connection.
    func tunnel(from port: Int, to guestPort: Int) -> Command {
        let forward = "127.0.0.1:\(port):localhost:\(guestPort)"
        return Command(
            "ssh", ["-F", "none", "-o", "ControlPath=\(controlPath)", "-O", "forward", "-L", forward, host])
    }

    /// Ends the shared connection.
    var hangUp: Command {
        Command("ssh", ["-F", "none", "-o", "ControlPath=\(controlPath)", "-O", "exit", host])
    }

    /// Asks for the host keys without logging in.
    var scan: Command {
        Command("ssh-keyscan", ["-T", "20", "-p", "\(port)", "-t", "ed25519", host])
    }

    /// A login without any proof, which sshd refuses: what it says shows that it answers, and by which key.
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
        settings += config == nil ? ["Port=\(port)"] : firmness
        return Command(
            "ssh", ["-F", config ?? "none"] + settings.flatMap { ["-o", $0] } + options + [host] + remote,
            environment: [
                "SSH_ASKPASS": "\(directory)/askpass", "SSH_ASKPASS_REQUIRE": "force", "LC_ALL": "C", "TERM": "dumb",
                "SSH_AUTH_SOCK": nil,
            ], input: input)
    }

    /// Whatever a configuration of the user's says, none but the known keys are believed.
    private var firmness: [String] {
        [
            "HostKeyAlias=\(host)", "KnownHostsCommand=none", "NoHostAuthenticationForLocalhost=no",
            "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "ForwardAgent=no", "RemoteCommand=none",
        ]
    }
}

/// The public keys by which a guest's sshd is known: type and key, as `ssh-keyscan` prints them.
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

    /// The text of a `known_hosts` file.
    func knownHosts(host: String, port: Int) -> String {
        keys.sorted().map { "\(port == 22 ? host : "[\(host)]:\(port)") \($0)\n" }.joined()
    }
}

/// How a first login went.
///
/// A guest forces a new password in one of two ways: after the login, by `passwd` on the terminal (sshd's password
/// authentication), or during it, by questions of PAM that `ssh` itself asks (keyboard-interactive).
enum PasswordChange: Sendable, Equatable {
    /// `passwd` asked on the terminal and took the new password.
    case onTerminal
    /// It asked, and said this in the end.
    case rejected
    /// The session began without any question on the terminal.
    case loggedIn
    /// The login ended before a session began.
    case ended

    static func converse(_ guest: Conversation, old: Secret, new: Secret) async throws -> PasswordChange {
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
    ///   - asked: what `ssh` itself had to answer.
    ///   - heard: what came over the terminal.
    func verdict(asked: [String], heard: String, user: String) -> Verdict {
        let askedForNew = asked.contains { $0.lowercased().contains("new password") }
        switch self {
        case .onTerminal: return .passed("asked by passwd after the login")
        case .loggedIn where askedForNew: return .passed("asked during the login")
        case .loggedIn: return .failed("'\(user)' was let in without being asked for a new password")
        case .rejected: return .failed("the new password was not taken: \(heard.lastLines)")
        case .ended where heard.lowercased().contains("permission denied"):
            return .failed(
                askedForNew
                    ? "the new password was not taken: \(heard.lastLines)"
                    : "the guest refuses the default password of '\(user)': \(heard.lastLines)")
        case .ended: return .failed("the login ended early: \(heard.lastLines)")
        }
    }
}

/// What an interactive login shows before its prompt.
struct MessageOfTheDay: Sendable, Equatable {
    /// Its lines, without those in which the terminal shows the end mark that was typed.
    private var lines: [String]

    static let endMark = "end-of-message"

    /// - Parameter heard: all that came over the terminal.
    init(_ heard: String) {
        // By the property: CR LF, as a terminal prints it, is one character, and none that equals LF.
        lines = heard.split(whereSeparator: \.isNewline).map(String.init).filter { line in
            !line.replacing("'", with: "").contains(Self.endMark)
        }
    }

    var text: String { lines.joined(separator: "\n") }

    /// The lines that are set off by blanks: addresses and commands.
    private var setOff: [String] {
        lines.filter { $0.hasPrefix("  ") || $0.hasPrefix("\t") }.map(\.trimmedLine)
    }

    func address(port: Int) -> String? {
        text.split(whereSeparator: \.isWhitespace).map(String.init).first { word in
            (word.hasPrefix("http://") || word.hasPrefix("https://")) && word.contains(":\(port)")
        }
    }

    /// The command that changes the default password.
    var command: String? {
        setOff.first { !$0.hasPrefix("http") && $0.contains("password") }
    }

    /// Whether it says anything of JupyterLab.
    func mentionsJupyter(port: Int) -> Bool {
        text.lowercased().contains("jupyter") || address(port: port) != nil
    }
}

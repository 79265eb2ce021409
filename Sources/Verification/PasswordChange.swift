import Sandbox
import Workbench

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

import ArgumentParser
import Glibc
import Reporting
import Sandbox
import Workbench

/// How the user called this program, so that a command in a message runs when it is pasted.
///
/// A room below does not know how the program was called. Every room therefore writes a command of dss as the
/// documentation does: `dss NAME …`, with `sudo` in front if it requires root. Whatever prints a message passes it
/// through `spelled`, which is the only place that knows how this user types the command.
struct Invocation: Sendable {
    /// The program as a word of a shell line: `dss`, `.build/debug/dss`.
    let program: String
    /// The words after the program.
    let arguments: [String]
    /// What the user types before a command that requires root: nothing in a shell of root.
    let sudo: String

    init(program: String = "dss", arguments: [String] = [], sudo: String = "sudo ") {
        (self.program, self.arguments, self.sudo) = (shellQuoted(program), arguments, sudo)
    }

    /// - Parameters:
    ///   - words: The command line. A path in its first word also leads from the current directory to the program.
    ///   - executable: The path of the program, used if a shell would not find the first word.
    ///   - isRoot: Whether this process is root. With `sudo` it is, but the user's shell is not.
    init(_ words: [String], executable: String, isRoot: Bool, environment: [String: String]) {
        let name = words.first ?? ""
        let folders = environment["PATH", default: ""].split(separator: ":")
        let isFound = name.contains("/") || folders.contains { access("\($0)/\(name)", X_OK) == 0 }
        let isRootShell = isRoot && environment["SUDO_UID", default: "0"] == "0"
        // Without -E, sudo drops the directories that these variables name.
        let sudo = environment.keys.contains { $0.hasPrefix("DSS_") } ? "sudo -E " : "sudo "
        self.init(
            program: isFound && !name.isEmpty ? name : executable, arguments: Array(words.dropFirst()),
            sudo: isRootShell ? "" : sudo)
    }

    /// The whole command line of this process, for a user who has to type it with `sudo`.
    var asRoot: String { sudo + ([program] + arguments.map(shellQuoted)).joined(separator: " ") }

    /// The text with its commands as this user has to type them.
    func spelled(_ text: String) -> String {
        let commands = text.replacing(/(^|[\s'"`(])(sudo )?dss (--help|[a-z0-9-]+)/) { match in
            let (_, before, root, name) = match.output
            guard name == "--help" || Dss.commandNames.contains(String(name)) else { return String(match.output.0) }
            return "\(before)\(root == nil ? "" : sudo)\(program) \(name)"
        }
        guard sudo.isEmpty else { return commands }
        // The other programs that messages name. Root of a container may have no sudo.
        return commands.replacing(/(^|[\s'"`(])sudo (?=(?:apt-get|ip|rm|ssh|systemctl|umount) )/) { $0.output.1 }
    }
}

extension Live {
    /// - Throws: `Failure` with the command line to type if the command requires root, and the user is not root.
    func requireRoot(for command: some DssCommand) throws {
        guard command.needsRoot, !isRoot else { return }
        throw Failure(
            .noPermission, "'dss \(type(of: command)._commandName)' must run as root", advice: invocation.asRoot)
    }
}

extension Dss {
    /// The first words of all commands.
    static let commandNames = Set(configuration.subcommands.map { $0._commandName })
}

extension Failure {
    /// The failure with its commands as the user has to type them.
    func spelled(by invocation: Invocation) -> Failure {
        Failure(
            code, invocation.spelled(message), details: details.map(invocation.spelled),
            advice: advice.map(invocation.spelled))
    }
}

extension BuildEvent {
    /// The event with its commands as the user has to type them.
    func spelled(by invocation: Invocation) -> BuildEvent {
        switch self {
        case .notice(let message): .notice(invocation.spelled(message))
        case .warning(let message): .warning(invocation.spelled(message))
        default: self
        }
    }
}

extension Table {
    /// The table with the commands below it as the user has to type them.
    func spelled(by invocation: Invocation) -> Table {
        var table = self
        table.notes = notes.map(invocation.spelled)
        return table
    }
}

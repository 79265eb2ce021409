import ArgumentParser
import Glibc
import Reporting
import Sandbox
import Workbench

/// How the user called this program, so that a command in a message runs when it is pasted.
///
/// A room below does not know how the program was called. Every room therefore writes a command of dss as the
/// documentation does: `dss NAME …`, with `sudo` in front if it requires root. Whatever prints a message passes it
/// through `spelled`, which is the only place that knows how this user types the command, and which sandbox,
/// directories and AWS profile this command line is about.
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

    /// The text with its commands as this user has to type them, and without passwords: a command to run again, or what a
    /// program said, may contain a URL of the host.
    func spelled(_ text: String) -> String {
        let text = text.withoutCredentials
        let commands = text.replacing(/(^|[\s'"`(])(sudo )?dss (--help|[a-z0-9-]+)((?: [a-z]+)?)/) { match in
            let (whole, before, root, name, next) = match.output
            let start = "\(before)\(root == nil ? "" : sudo)\(program) "
            if name == "--help" { return "\(start)\(name)\(next)" }
            guard let command = Dss.subcommand(name) else { return String(whole) }
            let line = text[match.range.upperBound...].prefix { !$0.isNewline }
            guard let part = command.subcommand(next.drop { $0 == " " }) else {
                return "\(start)\(name)\(carried(to: command, "\(next)\(line)"))\(next)"
            }
            return "\(start)\(name)\(next)\(carried(to: part, String(line)))"
        }
        guard sudo.isEmpty else { return commands }
        // The other programs that messages name. Root of a container may have no sudo.
        return commands.replacing(/(^|[\s'"`(])sudo (?=(?:apt-get|ip|rm|ssh|systemctl|umount) )/) { $0.output.1 }
    }
}

extension Invocation {
    /// Options that say what a command is about: the sandbox, its directories, the AWS account.
    private static let places: Set = ["--definition", "--set", "--bucket", "--cache", "--state", "--aws-profile"]

    /// The typed options that a printed command needs, too, because they say what it is about; each after a blank.
    /// - Parameter rest: what follows the name of the command in the text.
    private func carried(to command: any ParsableCommand.Type, _ rest: String) -> String {
        guard !places.isEmpty, !rest.hasPrefix(" --help") else { return "" }
        let help = Dss.helpMessage(for: command, columns: 80)
        return places.filter { name, _ in
            help.contains("\n  \(name) <") && !rest.contains("\(name) ") && !rest.contains("\(name)=")
        }.flatMap(\.words).map { " " + shellQuoted($0) }.joined()
    }

    /// The typed options of `Self.places`, with their values.
    private var places: [(name: String, words: [String])] {
        let typed = arguments.prefix { $0 != "--" }
        return typed.indices.compactMap { index in
            let name = String(typed[index].prefix { $0 != "=" })
            guard Self.places.contains(name) else { return nil }
            if name != typed[index] { return (name, [typed[index]]) }
            return index + 1 < typed.endIndex ? (name, [name, typed[index + 1]]) : nil
        }
    }
}

extension Live {
    /// - Throws: `Failure` with the command line to type if the command requires root, and the user is not root.
    func requireRoot(for command: some DssCommand) throws {
        guard command.needsRoot, !isRoot else { return }
        throw Failure(
            .noPermission, "'\(type(of: command)._commandName)' must run as root", advice: invocation.asRoot)
    }
}

extension ParsableCommand {
    static func subcommand(_ name: Substring) -> (any ParsableCommand.Type)? {
        configuration.subcommands.first { $0._commandName == name }
    }
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
        case .output(let stage, let line): .output(stage, line: line.withoutCredentials)
        case .progress(let stage, let progress): .progress(stage, progress.withoutCredentials)
        default: self
        }
    }
}

extension Progress {
    fileprivate var withoutCredentials: Progress {
        Progress(activity.withoutCredentials, completed: completed, total: total, unit: unit)
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

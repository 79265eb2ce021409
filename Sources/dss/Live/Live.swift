import FoundationEssentials
import Glibc
import Reporting
import Sandbox
import Workbench

/// The outside world of a command: environment, terminals, programs, network and clock.
///
/// `Main` makes the real one and hands it to the command; a test makes its own. A command reaches nothing outside but
/// through it.
struct Live: Sendable {
    /// How the user called the program.
    let invocation: Invocation
    /// The environment, including secrets.
    let environment: [String: String]
    let currentDirectory: String
    let home: String
    let isRoot: Bool
    let standardOutput: Terminal
    let standardError: Terminal
    let keyboard: Keyboard
    let runner: any CommandRunner
    let network: any Network
    /// Measures durations.
    let clock: any Clock<Duration>
    /// The date and time.
    let now: @Sendable () -> Date
}

extension Live {
    /// Environment variables in which the AWS CLI and other sources of credentials pass secrets.
    static let secretVariables = [
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "DOCKER_REGISTRY_PASSWORD",
        "GH_TOKEN", "GITHUB_TOKEN",
    ]

    /// Where programs are looked up: in `PATH`, then where Debian keeps those for root, which `PATH` of an ordinary user
    /// and of `su` lacks. A tool is thus found by everybody, or by nobody.
    static func searchPath(_ path: String?) -> String {
        let folders = (path ?? "").split(separator: ":").map(String.init)
        let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].filter { !folders.contains($0) }
        return (folders + more).joined(separator: ":")
    }

    /// The world of this process. Removes secrets, and what would change the result of a tool, from its environment, so
    /// that no subprocess inherits them; a second call would therefore miss them.
    static func process() -> Live {
        let environment = ProcessInfo.processInfo.environment
        let isRoot = geteuid() == 0
        for name in environment.keys where !InheritedEnvironment.allows(name) { unsetenv(name) }
        for (name, value) in InheritedEnvironment.fixed { setenv(name, value, 1) }
        setenv("PATH", searchPath(environment["PATH"]), 1)
        return Live(
            invocation: Invocation(
                CommandLine.arguments,
                executable: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "dss",
                isRoot: isRoot, environment: environment),
            environment: environment, currentDirectory: FileManager.default.currentDirectoryPath,
            home: environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path,
            isRoot: isRoot,
            standardOutput: Terminal(descriptor: STDOUT_FILENO, environment: environment),
            standardError: Terminal(descriptor: STDERR_FILENO, environment: environment),
            keyboard: .standardInput, runner: SystemCommandRunner(), network: Internet(), clock: ContinuousClock(),
            now: { Date() })
    }

    /// The value of an environment variable; an empty value counts as unset.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(currentDirectory)/\(path)"
    }

    /// The absolute path of a file that must exist.
    func existing(_ file: String?) throws -> String? {
        guard let path = file.map(absolute) else { return nil }
        guard let kind = FileKind(of: path) else { throw Failure(.badData, "file \(path) does not exist") }
        guard kind != .directory, kind != .pipe else {
            throw Failure(.badData, "\(path) is a \(kind.rawValue), but a file is required")
        }
        return path
    }
}

extension Live {
    /// Checks before the work whether its result can be written to a file at the end.
    /// - Throws: `FileError` if not.
    func requireWritable(_ file: String) throws {
        let path = absolute(file)
        let kind = FileKind(of: path)
        if kind == .directory { throw FileError("write", path, code: EISDIR) }
        // A file is replaced in its directory, anything else is written to.
        let place = [nil, .file].contains(kind) ? parentDirectory(canonicalPath(path)) : path
        guard access(place, W_OK) == 0 else { throw FileError("write", path) }
    }
}

/// Printing.
extension Live {
    /// Prints the result of a command to standard output.
    func show(_ facts: FactSheet, json isJSON: Bool) {
        standardOutput.write(isJSON ? facts.json.pretty + "\n" : facts.text(standardOutput.style))
    }

    func show(_ table: Table, as format: OutputFormat) {
        standardOutput.write(table.spelled(by: invocation).rendered(as: format, standardOutput.style))
    }

    func show(_ table: Table, json isJSON: Bool) {
        show(table, as: isJSON ? .json : .text)
    }

    /// Prints a warning to standard error.
    @Sendable func warn(_ text: String) {
        standardError.write(Message.warning(invocation.spelled(text), standardError.style))
    }
}

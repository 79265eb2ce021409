import Sandbox
import Workbench

/// A guest whose QEMU has been started.
struct RunningGuest: Sendable {
    let command: GuestCommand
    let process: BackgroundProcess

    /// - Throws: `Failure` where it has ended already.
    init(_ command: GuestCommand) throws {
        self.command = command
        guard let pid = Int32((try readText(command.pidFile)).trimmedLine), let process = BackgroundProcess(pid: pid)
        else { throw Self.endedEarly(command) }
        self.process = process
    }

    var address: GuestAddress {
        GuestAddress(
            host: "127.0.0.1", sshPort: command.ports[0].host, jupyterPort: command.ports[1].host,
            consoleLog: command.consoleLog)
    }

    func endedEarly() -> Failure { Self.endedEarly(command) }

    private static func endedEarly(_ command: GuestCommand) -> Failure {
        var details: [String] = []
        for (title, file) in [("QEMU", command.log), ("console", command.consoleLog)] {
            let text = tail(of: file, lines: 15)
            if !text.isEmpty { details += ["\(title):"] + text.split(separator: "\n").map { "  \($0)" } }
        }
        return Failure(
            .failed, "the virtual machine (\(command.hardware.rawValue)) ended by itself", details: details)
    }
}

import LocalProvider
import Reporting
import Sandbox

/// Prints how to reach a running sandbox to standard output, and everything else to standard error.
final class RunWriter: Sendable {
    private let live: Live
    private let isJSON: Bool
    private let line: ActivityLine

    init(_ live: Live, json isJSON: Bool) {
        self.live = live
        self.isJSON = isJSON
        line = ActivityLine(live)
    }

    @Sendable func write(_ event: RunEvent) {
        if isJSON, let json = event.json { live.standardOutput.write(json.line + "\n") }
        switch event {
        case .progress(let activity): line.show(activity)
        case .warning(let text) where !isJSON:
            line.clear()
            live.warn(text)
        case .ready(let sandbox) where !isJSON:
            line.clear()
            live.standardOutput.write(sandbox.text(live.standardOutput.style))
        default:
            line.clear()
            if !isJSON, let text = event.line { live.standardError.write(text + "\n") }
        }
    }
}

extension RunEvent {
    /// The line on standard error.
    fileprivate var line: String? {
        switch self {
        case .starting(let image, let host): "starting \(image) (\(host))"
        case .stopping: "shutting down the sandbox"
        case .stopped: "the sandbox was shut down"
        case .warning, .progress, .ready: nil
        }
    }

    /// The event in the stream of `--json`; `nil` for progress.
    var json: JSONValue? {
        switch self {
        case .starting(let image, let host):
            .object([("event", .string("starting")), ("image", .string(image)), ("on", .string(host))])
        case .warning(let text): .object([("event", .string("warning")), ("message", .string(text))])
        case .progress: nil
        case .ready(let sandbox): sandbox.json
        case .stopping: .object([("event", .string("stopping"))])
        case .stopped: .object([("event", .string("stopped"))])
        }
    }
}

extension RunningSandbox {
    /// What a person needs to use the sandbox and to end it.
    func text(_ style: Style) -> String {
        let condition = shell.isTunnel ? "answers on this computer while that SSH connection is open" : nil
        let address = FactSheet.Fact.shown("JupyterLab", url, from: condition)
        let access = FactSheet.Fact.shown(shellTitle, shell.command)
        var facts = shell.isTunnel ? [access, address] : [address, access]
        if case .ssh = shell, disk == nil {
            let steps = "the first login asks for a new one and then closes the connection: log in again"
            let password = "the default password, which create-vm showed if you did not choose it"
            facts.append(.shown("password", password, from: steps))
        }
        if let disk { facts.append(.shown("changes", "kept in \(disk)")) }
        facts.append(.shown("stop", disk == nil ? "Ctrl-C, which discards all changes" : "Ctrl-C"))
        return FactSheet(facts).text(style)
    }

    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("event", .string("ready")), ("url", .string(url)), ("token", .text(token)),
            ("jupyter_port", .count(jupyterPort)),
        ]
        switch shell {
        case .ssh(let user, let port, _):
            members += [("ssh_port", .count(port)), ("user", .string(user)), ("tunnel", .bool(shell.isTunnel))]
        case .docker(let name, _): members.append(("container", .string(name)))
        }
        return .object(members + [("shell", .string(shell.command)), ("disk", .text(disk))])
    }

    private var shellTitle: String { if case .ssh = shell { "SSH" } else { "shell" } }
}

import AWSProvider
import Glibc
import Reporting
import Sandbox
import Synchronization
import Workbench

/// An output stream, and what its reader can display.
struct Terminal: Sendable {
    /// Whether the stream is a terminal, rather than a file or a pipe.
    let isTerminal: Bool
    /// Decides on colors and symbols.
    let environment: [String: String]
    /// Columns of the terminal window, which may change at any time.
    let width: @Sendable () -> Int
    let write: @Sendable (String) -> Void
    /// The error number of the first write that failed. What follows is dropped: a build goes on without its reader.
    var writeError: @Sendable () -> Int32? = { nil }

    /// Whether lines can be replaced.
    var isInteractive: Bool { isTerminal && environment["TERM"] != "dumb" }

    /// Colors only on a terminal and never with `NO_COLOR`; the width of the terminal window.
    var style: Style {
        guard isInteractive else { return .piped }
        return Style(color: environment["NO_COLOR", default: ""].isEmpty, unicode: isUnicode, width: width())
    }

    private var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        return (locale ?? "").lowercased().contains("utf")
    }
}

extension Terminal {
    /// An open file of the process.
    init(descriptor: Int32, environment: [String: String] = [:]) {
        let stream = OutputFile(descriptor)
        self.init(
            isTerminal: isatty(descriptor) == 1, environment: environment,
            width: {
                var size = winsize()
                guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
                return Int(size.ws_col)
            },
            write: { stream.write($0) }, writeError: { stream.error })
    }
}

/// An open file that text is written to, until a write fails.
private final class OutputFile: Sendable {
    private let descriptor: Int32
    private let failure = Mutex<Int32?>(nil)

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    var error: Int32? { failure.withLock { $0 } }

    func write(_ text: String) {
        failure.withLock { failure in
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty, failure == nil {
                let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count >= 0 {
                    bytes = bytes.dropFirst(count)
                } else if errno == EAGAIN {
                    // Another program has made the shared file non-blocking.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if errno != EINTR {
                    failure = errno
                }
            }
        }
    }
}

/// Writes events as they happen: a live display on a terminal, plain lines elsewhere, JSON lines on request.
///
/// Progress goes to standard error, so that standard output holds only the result. JSON events go to standard output.
final class EventWriter: Sendable {
    private let renderer: Mutex<any ProgressRenderer>
    private let terminal: Terminal
    private let stopwatch: Stopwatch
    private let invocation: Invocation

    /// - Parameter isJSON: Whether to print events as JSON. A command that prints a single result, even as JSON, shows
    ///   its progress as text.
    init(_ live: Live, json isJSON: Bool = false, verbose isVerbose: Bool = false) {
        terminal = isJSON ? live.standardOutput : live.standardError
        stopwatch = Stopwatch(live.clock)
        invocation = live.invocation
        renderer =
            if isJSON {
                Mutex(JSONProgress())
            } else if terminal.isInteractive {
                Mutex(TerminalProgress(terminal.style, isVerbose: isVerbose))
            } else {
                Mutex(PlainProgress(isVerbose: isVerbose))
            }
    }

    convenience init(_ live: Live, _ options: OutputOptions) {
        self.init(live, json: options.json, verbose: options.verbose)
    }

    var sink: EventSink {
        { [self] event in
            let seconds = stopwatch.seconds
            renderer.withLock { terminal.write($0.feed(event.spelled(by: invocation), at: seconds)) }
        }
    }

    /// Runs `body` with a live line that keeps updating while nothing happens, and clears the line at the end.
    func live<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        let ticker = Task { [self] in
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(200))
                renderer.withLock { terminal.write($0.tick(at: stopwatch.seconds)) }
            }
        }
        defer {
            ticker.cancel()
            renderer.withLock { terminal.write($0.clear()) }
        }
        return try await body()
    }
}

/// Prints the checks of an image as they complete, and the result at the end.
struct CheckWriter: Sendable {
    private let live: Live
    private let isJSON: Bool

    init(_ live: Live, json isJSON: Bool) {
        self.live = live
        self.isJSON = isJSON
    }

    private var terminal: Terminal { isJSON ? live.standardError : live.standardOutput }

    /// The control sequence that clears the line of `progress`.
    private var clear: String { terminal.isInteractive ? "\r\u{1b}[K" : "" }

    func begin(_ heading: String) {
        if !isJSON { terminal.write(heading + "\n") }
    }

    /// Shows the current activity in a line that the next one replaces, on a terminal only.
    func progress(_ progress: Progress) {
        guard terminal.isInteractive else { return }
        terminal.write(clear + progress.activity.prefix(terminal.style.liveWidth))
    }

    func check(_ result: CheckResult) {
        guard !isJSON else { return }
        terminal.write(clear + result.line(terminal.style))
    }

    /// Takes the events of whatever starts and removes the machines that are checked.
    var sink: EventSink {
        { event in
            switch event {
            case .progress(_, let activity): progress(activity)
            case .notice(let message): note(message)
            case .warning(let message): note("warning: \(message)")
            default: return
            }
        }
    }

    /// Prints a message that is not a check result.
    func note(_ line: String) {
        live.standardError.write(clear + live.invocation.spelled(line) + "\n")
    }

    func end(_ report: VerificationReport) {
        terminal.write(clear)
        if isJSON {
            live.standardOutput.write(report.json.pretty + "\n")
        } else {
            terminal.write(report.summary + "\n")
        }
    }
}

/// Runs a build and prints it, for every provider.
extension OutputOptions {
    func build(
        _ order: BuildOrder, on provider: some VMProvider, with provisioner: some Provisioner, _ live: Live
    ) async throws -> BuildReport {
        let writer = EventWriter(live, self)
        return try await writer.live {
            try await Sandbox.createVM(order, on: provider, with: provisioner, events: writer.sink)
        }
    }

    /// Prints the report to standard output, including the password if it was generated for this build.
    func show(_ result: BuildReport, _ order: BuildOrder, _ live: Live) {
        let (terminal, password, spelled) = (live.standardOutput, order.password?.generated, live.invocation.spelled)
        terminal.write(
            json
                ? result.event(password: password, spelled: spelled)
                : result.text(terminal.style, password: password, spelled: spelled))
    }
}

extension AssetFolder {
    /// Publishes the report of a build beside its images, unless there was nothing to do.
    func publish(_ result: BuildReport) async throws {
        guard !result.stages.isEmpty else { return }
        try await publishReport(markdown: result.markdown, json: result.json().pretty + "\n")
    }
}

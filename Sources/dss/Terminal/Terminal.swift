import AWSProvider
import Glibc
import Reporting
import Sandbox
import Synchronization
import Workbench

/// An output stream of the process.
struct Terminal: Sendable {
    let descriptor: Int32

    static let standardOutput = Terminal(descriptor: STDOUT_FILENO)
    static let standardError = Terminal(descriptor: STDERR_FILENO)

    var isInteractive: Bool { isatty(descriptor) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb" }

    /// Colors only on a terminal and never with `NO_COLOR`; the width of the terminal window.
    var style: Style {
        guard isInteractive else { return .piped }
        return Style(color: !hasVariable("NO_COLOR"), unicode: isUnicode, width: width)
    }

    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { (name: String) in getenv(name) }
            .map { String(cString: $0) }.first { !$0.isEmpty }
        return (locale ?? "").lowercased().contains("utf")
    }

    private func hasVariable(_ name: String) -> Bool {
        getenv(name).map { $0.pointee != 0 } ?? false
    }
}

/// Writes events as they happen: a live display on a terminal, plain lines elsewhere, JSON lines on request.
///
/// Progress goes to standard error, so that standard output holds only the result. JSON events go to standard output.
final class EventWriter: Sendable {
    private let renderer: Mutex<any ProgressRenderer>
    private let terminal: Terminal
    private let stopwatch = Stopwatch(ContinuousClock())

    init(_ options: OutputOptions) {
        let isVerbose = options.verbose
        if options.json {
            terminal = .standardOutput
            renderer = Mutex(JSONProgress())
        } else {
            terminal = .standardError
            let style = terminal.style
            renderer = Mutex(
                terminal.isInteractive
                    ? TerminalProgress(style, isVerbose: isVerbose) : PlainProgress(isVerbose: isVerbose))
        }
    }

    /// Creates a writer for a command that prints a single result to standard output, even as JSON. Progress goes to
    /// standard error.
    init(verbose isVerbose: Bool) {
        terminal = .standardError
        let style = terminal.style
        renderer = Mutex(
            terminal.isInteractive ? TerminalProgress(style, isVerbose: isVerbose) : PlainProgress(isVerbose: isVerbose)
        )
    }

    var sink: EventSink {
        { [self] event in
            let seconds = stopwatch.seconds
            renderer.withLock { terminal.write($0.feed(event, at: seconds)) }
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
    private let isJSON: Bool
    private let terminal: Terminal

    init(_ options: OutputOptions) {
        self.init(json: options.json)
    }

    init(json isJSON: Bool) {
        self.isJSON = isJSON
        terminal = isJSON ? .standardError : .standardOutput
    }

    /// The control sequence that clears the line of `progress`.
    private var clear: String { terminal.isInteractive ? "\r\u{1b}[K" : "" }

    func begin(_ heading: String) {
        if !isJSON { terminal.write(heading + "\n") }
    }

    /// Shows the current activity in a line that the next one replaces, on a terminal only.
    func progress(_ progress: Progress) {
        guard terminal.isInteractive else { return }
        terminal.write(clear + progress.activity.prefix(terminal.style.width - 1))
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
        Terminal.standardError.write(clear + line + "\n")
    }

    func end(_ report: VerificationReport) {
        terminal.write(clear)
        if isJSON {
            Terminal.standardOutput.write(report.json.pretty + "\n")
        } else {
            terminal.write(report.summary + "\n")
        }
    }
}

/// A yes-or-no question on the terminal. Waiting for the answer can be cancelled, so that Ctrl-C still cleans up what
/// the command has created.
enum Question {
    static var canBeAsked: Bool { isatty(STDIN_FILENO) == 1 }

    /// Asks before something is done that cannot be taken back.
    /// - Parameter outcome: What is true if the answer is not yes: "nothing was removed".
    /// - Throws: `Failure` with code `.failed` if the answer is not yes, because the command was right and did not do
    ///   its work; with code `.usage` if there is nobody to ask.
    static func confirm(_ question: String, else outcome: String) async throws {
        guard canBeAsked else {
            throw Failure(
                .usage, "\(outcome): there is no terminal to ask for confirmation",
                advice: "add --yes to skip confirmation")
        }
        guard try await isAnsweredYes(question) else { throw Failure(.failed, outcome) }
    }

    /// - Returns: Whether the answer is yes; anything else counts as no.
    static func isAnsweredYes(_ question: String) async throws -> Bool {
        // Keys pressed before the question do not count as an answer.
        tcflush(STDIN_FILENO, TCIFLUSH)
        Terminal.standardError.write("\(question) [y/N] ")
        let answer = try await line()
        // If Ctrl-C is followed by Enter, Ctrl-C wins; the signal takes a moment to arrive.
        try await Task.sleep(for: .milliseconds(200))
        return ["y", "yes"].contains(answer.lowercased())
    }

    private static func line() async throws -> String {
        var text: [UInt8] = []
        while true {
            try Task.checkCancellation()
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, 0) > 0 else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1, byte != UInt8(ascii: "\n") else {
                return String(decoding: text, as: UTF8.self)
            }
            if byte > 32 { text.append(byte) }
        }
    }
}

/// Runs a build and prints it, for every provider.
extension OutputOptions {
    func build(
        _ order: BuildOrder, on provider: some VMProvider, with provisioner: some Provisioner
    ) async throws -> BuildReport {
        let writer = EventWriter(self)
        return try await writer.live {
            try await Sandbox.createVM(order, on: provider, with: provisioner, events: writer.sink)
        }
    }

    /// Prints the report to standard output, including the password if it was generated for this build.
    func show(_ result: BuildReport, _ order: BuildOrder) {
        var generated: Secret?
        if case .generated(let secret) = order.password { generated = secret }
        let terminal = Terminal.standardOutput
        terminal.write(json ? result.event(password: generated) : result.text(terminal.style, password: generated))
    }
}

extension AssetFolder {
    /// Publishes the report of a build beside its images, unless there was nothing to do.
    func publish(_ result: BuildReport) async throws {
        guard !result.stages.isEmpty else { return }
        try await publishReport(markdown: result.markdown, json: result.json().pretty + "\n")
    }
}

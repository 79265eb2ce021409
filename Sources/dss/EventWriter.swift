import Reporting
import Sandbox
import Synchronization
import Workbench

/// Writes events as they come: a live display on a terminal, plain lines elsewhere, JSON lines on request.
///
/// Progress goes to standard error, so that standard output holds the result alone; JSON events go to standard output.
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

    /// For a command whose standard output holds one result, as JSON too: progress goes to standard error.
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

    /// Runs `body` with a live line that moves on while nothing happens, and takes the line away at the end.
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

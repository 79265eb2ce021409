import AWSCore
import FoundationEssentials
import Glibc
import Reporting
import Sandbox
import Workbench

/// Logs every attempt of an AWS call to standard error and to a file. Neither contains a secret, because a
/// `CallRecord` has no field for one.
final class CallLog: Sendable {
    private let level: LogLevel
    private let trace: Int32?
    private let terminal: Terminal

    /// Waits shorter than this are not worth a warning.
    private static let moment: Duration = .seconds(2)

    /// - Throws: `FileError` if the trace file cannot be opened.
    init(_ options: CallerOptions, to terminal: Terminal) throws {
        self.terminal = terminal
        level = options.logLevel
        trace = try options.trace.map { path in
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw FileError("write", path) }
            guard fchmod(file, 0o600) == 0 else { throw FileError("set the mode of", path) }
            return file
        }
    }

    deinit {
        if let trace { close(trace) }
    }

    func note(_ record: CallRecord) {
        if let trace { Terminal(descriptor: trace).write(record.json.line + "\n") }
        if level >= .debug {
            terminal.write(Message.log(record.line, terminal.style))
        } else if level >= .warning, let pause = record.retryIn, pause > Self.moment {
            terminal.write(
                Message.warning(
                    "\(record.service) \(record.operation): \(record.error ?? "no response"); retrying in "
                        + Units.time(pause.seconds), terminal.style))
        }
    }

    func note(_ text: String, _ level: LogLevel) {
        guard self.level >= level else { return }
        terminal.write(
            level == .warning ? Message.warning(text, terminal.style) : Message.log(text, terminal.style))
    }
}

extension CallRecord {
    /// `STS GetCallerIdentity eu-central-1 200 34 ms, attempt 1, request 5d0b…`
    var line: String {
        let what = [service, operation, region, status.map { "\($0)" } ?? "-", "\(duration.milliseconds) ms"]
            .filter { !$0.isEmpty }.joined(separator: " ")
        return
            ([what, "attempt \(attempt)"]
            + [
                requestID.map { "request \($0)" }, error, retryIn.map { "retry in \($0.milliseconds) ms" },
            ].compactMap { $0 }).joined(separator: ", ")
    }

    var json: JSONValue {
        .object([
            ("time", .string(time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))),
            ("service", .string(service)), ("operation", .string(operation)), ("region", .string(region)),
            ("host", .string(host)), ("attempt", .count(attempt)), ("status", status.map { .count($0) } ?? .null),
            ("milliseconds", .count(duration.milliseconds)), ("request_id", .text(requestID)),
            ("bytes_sent", .count(bytesSent)), ("bytes_received", .count(bytesReceived)), ("error", .text(error)),
            ("retry_in_milliseconds", retryIn.map { .count($0.milliseconds) } ?? .null),
        ])
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
    var milliseconds: Int { Int((seconds * 1000).rounded()) }
}

import Sandbox
import Synchronization

/// Events as they came.
final class EventLog: Sendable {
    private let all = Mutex<[BuildEvent]>([])

    var events: [BuildEvent] { all.withLock { $0 } }
    var sink: EventSink { { [self] event in all.withLock { $0.append(event) } } }

    var text: String { events.map { "\($0)" }.joined(separator: "\n") }
    var notices: [String] { events.compactMap { if case .notice(let text) = $0 { text } else { nil } } }
    var warnings: [String] { events.compactMap { if case .warning(let text) = $0 { text } else { nil } } }
}

import Reporting
import Sandbox
import Synchronization

/// Shows what a command is doing on standard error: on a terminal, an activity replaces the previous one; elsewhere,
/// each is printed once.
final class ActivityLine: Sendable {
    private let live: Live
    /// The activity that was printed last, without its duration.
    private let last = Mutex("")

    init(_ live: Live) {
        self.live = live
    }

    /// - Parameter activity: A phrase; a changing part, such as a duration, follows a comma and a space.
    func show(_ activity: String) {
        let terminal = live.standardError
        if terminal.isInteractive {
            terminal.write("\r\u{1b}[K" + activity.prefix(terminal.style.liveWidth))
            return
        }
        let name = String(activity.prefix { $0 != "," })
        let isNew = last.withLock { last in
            defer { last = name }
            return last != name
        }
        if isNew { terminal.write(name + "\n") }
    }

    func clear() {
        if live.standardError.isInteractive { live.standardError.write("\r\u{1b}[K") }
    }

    /// Takes the events of work that is not a build.
    var sink: EventSink {
        { [self] event in
            switch event {
            case .progress(_, let progress): show(progress.activity)
            case .warning(let message):
                clear()
                live.warn(message)
            default: return
            }
        }
    }
}

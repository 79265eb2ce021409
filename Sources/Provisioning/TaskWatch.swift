import Sandbox
import Synchronization
import Workbench

/// Turns the lines that Ansible prints into events and remembers the task that failed.
final class TaskWatch: Sendable {
    private let events: EventSink
    private let isVerbose: Bool
    private let failed = Mutex<TaskResult?>(nil)

    init(events: @escaping EventSink, isVerbose: Bool) {
        self.events = events
        self.isVerbose = isVerbose
    }

    var failedTask: TaskResult? { failed.withLock { $0 } }

    func heard(_ stream: OutputStream, _ line: String) {
        guard stream == .standardError, let event = AnsibleEvent(line: line) else {
            if isVerbose, !line.isEmpty { events(.output(.install, line: line)) }
            return
        }
        if let progress = event.progress { events(.progress(.install, progress)) }
        guard let task = event.task else { return }
        if task.status == .failed || task.status == .unreachable { failed.withLock { $0 = task } }
        events(.task(task))
    }
}

import Synchronization

/// Remembers in which order things happened, from any task.
final class Record: Sendable {
    private let entries = Mutex<[String]>([])

    var lines: [String] { entries.withLock { $0 } }

    func add(_ line: String) {
        entries.withLock { $0.append(line) }
    }
}

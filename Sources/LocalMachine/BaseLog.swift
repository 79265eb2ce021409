import Sandbox
import Synchronization

/// Turns what mmdebstrap, apt and dpkg say into progress, and keeps the last of it for an error message.
final class BaseLog: Sendable {
    private let events: EventSink
    private let isVerbose: Bool
    private let kept = Mutex<[String]>([])

    init(events: @escaping EventSink, isVerbose: Bool) {
        self.events = events
        self.isVerbose = isVerbose
    }

    var lines: [String] { kept.withLock { $0 } }

    func take(_ line: String) {
        kept.withLock {
            $0.append(line)
            if $0.count > 400 { $0.removeFirst(200) }
        }
        if isVerbose { events(.output(.setup, line: line)) }
        if let activity = Self.activity(line) { events(.progress(.setup, Progress(activity))) }
    }

    /// What a line says in a few words; `nil` for the many that say nothing.
    static func activity(_ line: String) -> String? {
        if line.hasPrefix("I: running apt-get update") { return "loading package lists" }
        if line.hasPrefix("I: downloading packages") { return "loading packages" }
        if line.hasPrefix("I: extracting archives") { return "unpacking the essential packages" }
        if line.hasPrefix("update-initramfs: Generating") { return "making the initial RAM disk" }
        let words = line.split(separator: " ")
        if line.hasPrefix("Unpacking "), words.count > 1 { return "unpacking \(words[1])" }
        if line.hasPrefix("Setting up "), words.count > 2 { return "setting up \(words[2])" }
        return nil
    }
}

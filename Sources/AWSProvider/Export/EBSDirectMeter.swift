import Sandbox
import Synchronization

/// How far all formats are, those that are being converted and those that are being uploaded: one line for all.
final class EBSDirectMeter: Sendable {
    private struct State {
        var words: [[ImageFormat]: String] = [:]
        var shares: [[ImageFormat]: Double] = [:]
    }

    private let groups: [[ImageFormat]]
    private let events: EventSink
    private let state = Mutex(State())

    init(_ groups: [[ImageFormat]], _ events: @escaping EventSink) {
        self.groups = groups
        self.events = events
    }

    /// - Parameter share: of the way to the bucket, from 0 to 1.
    func update(_ group: [ImageFormat], _ words: String, _ share: Double) {
        let progress = state.withLock { state in
            state.words[group] = words
            state.shares[group] = max(share, state.shares[group] ?? 0)
            return Self.progress(groups, state.words, state.shares)
        }
        events(.progress(.export, progress))
    }

    static func progress(
        _ groups: [[ImageFormat]], _ words: [[ImageFormat]: String], _ shares: [[ImageFormat]: Double]
    ) -> Progress {
        let text = groups.map { group in
            words[group] ?? group.map { "\($0.rawValue) wait" }.joined(separator: " · ")
        }
        let formats = groups.reduce(0) { $0 + $1.count }
        let done = groups.reduce(0) { $0 + (shares[$1] ?? 0) * Double($1.count) } / Double(max(formats, 1))
        return Progress(
            text.joined(separator: " · "), completed: (done * 100).rounded(), total: 100, unit: .percent)
    }

    /// Bytes of several uploads together.
    final class Sum: Sendable {
        private let parts: Mutex<[ImageFormat: Int]> = Mutex([:])

        func set(_ format: ImageFormat, _ bytes: Int) -> Int {
            parts.withLock { parts in
                parts[format] = bytes
                return parts.values.reduce(0, +)
            }
        }
    }
}

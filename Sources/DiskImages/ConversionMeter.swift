import Sandbox
import Synchronization

/// Adds up how far each format is: one line for all of them.
final class ConversionMeter: Sendable {
    private struct State {
        var activities: [ImageFormat: String]
        var fractions: [ImageFormat: Double]
    }

    private let formats: [ImageFormat]
    private let sink: ProgressSink
    private let state: Mutex<State>

    init(formats: [ImageFormat], sink: @escaping ProgressSink) {
        self.formats = formats
        self.sink = sink
        state = Mutex(State(activities: [:], fractions: [:]))
    }

    /// What is told about a format that nobody asked for, the disk inside an OVA, counts as that OVA's.
    func update(_ format: ImageFormat, _ activity: String, _ fraction: Double) {
        let shown = formats.contains(format) ? format : .ova
        let progress = state.withLock { state in
            state.activities[shown] = activity
            state.fractions[shown] = max(fraction, state.fractions[shown] ?? 0)
            return Self.progress(formats, state.activities, state.fractions)
        }
        sink(progress)
    }

    /// `vhd done · vmdk convert 43 %`, and the share of all formats together.
    static func progress(
        _ formats: [ImageFormat], _ activities: [ImageFormat: String], _ fractions: [ImageFormat: Double]
    ) -> Progress {
        let words = formats.map { format in
            let activity = activities[format] ?? "wait"
            let percent = activity == "convert" ? " \(Int((fractions[format] ?? 0) * 100)) %" : ""
            return "\(format.rawValue) \(activity)\(percent)"
        }
        let done = formats.reduce(0) { $0 + (fractions[$1] ?? 0) } / Double(max(formats.count, 1))
        return Progress(
            words.joined(separator: " · "), completed: (done * 100).rounded(), total: 100, unit: .percent)
    }
}

import Sandbox
import Synchronization

/// How far the copies are: one line for all regions.
final class CopyMeter: Sendable {
    private let regions: [String]
    private let events: EventSink
    private let shares: Mutex<[String: Double]> = Mutex([:])

    init(_ regions: [String], _ events: @escaping EventSink) {
        self.regions = regions
        self.events = events
    }

    /// - Parameter share: from 0 to 1.
    func update(_ region: String, _ share: Double) {
        let progress = shares.withLock { shares in
            shares[region] = max(share, shares[region] ?? 0)
            return Self.progress(regions, shares)
        }
        events(.progress(.export, progress))
    }

    /// `us-east-1 42 % · us-west-2 done`, and the share of all together.
    static func progress(_ regions: [String], _ shares: [String: Double]) -> Progress {
        let words = regions.map { region in
            let share = shares[region] ?? 0
            return "\(region) " + (share >= 1 ? "done" : "\(Int(share * 100)) %")
        }
        let all = regions.reduce(0) { $0 + (shares[$1] ?? 0) } / Double(max(regions.count, 1))
        return Progress(words.joined(separator: " · "), completed: (all * 100).rounded(), total: 100, unit: .percent)
    }
}

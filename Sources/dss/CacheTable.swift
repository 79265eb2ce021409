import FoundationEssentials
import LocalMachine
import Reporting

extension Table {
    /// What the cache holds and what of it goes.
    static func cache(_ entries: [ContentCache.Entry], gone: [ContentCache.Entry], isDryRun: Bool) -> Table {
        let sum = gone.reduce(0) { $0 + $1.bytes }
        let state = { (entry: ContentCache.Entry) -> String in
            if gone.contains(entry) { return isDryRun ? "would go" : "removed" }
            return entry.isInUse ? "in use" : "stays"
        }
        return Table(
            [
                Column("kind"), Column("what", fit: .shrinks), Column("size", key: "bytes", .right),
                Column("last used", key: "last_used"), Column("state"), Column("key", in: .programs),
            ],
            rows: entries.map { entry in
                let state = state(entry)
                return [
                    Cell(entry.kind == .base ? "base" : "step"), Cell(entry.description), size(entry.bytes),
                    Cell(Date(timeIntervalSince1970: entry.lastUsed).formatted(.iso8601.year().month().day())),
                    Cell(state, .string(state.replacing(" ", with: "-")), ink: gone.contains(entry) ? .yellow : nil),
                    Cell(entry.key),
                ]
            },
            total: [Cell(isDryRun ? "would free" : "freed"), "", size(sum), "", "", ""], empty: "the cache is empty")
    }
}

extension ContentCache.Entry {
    fileprivate var description: String {
        guard isWhole else { return "never finished" }
        switch kind {
        case .base: return ["distribution", "suite", "profile"].compactMap { inputs[$0] }.joined(separator: " ")
        case .layers: return "of asset id \(inputs["asset id"] ?? "")"
        }
    }
}

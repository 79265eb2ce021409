import ArgumentParser
import FoundationEssentials
import LocalProvider
import Reporting
import Sandbox

/// `dss prune-cache`
struct PruneCache: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune-cache",
        abstract: "Removes reusable stages that no build has used for a while.",
        discussion: """
            Base systems, installed steps and compressed layers are kept so that the next build is quick; what is \
            removed is built again when it is needed. What a running build uses stays.

            Examples:
              dss prune-cache --dry-run
              sudo dss prune-cache --unused-for 7
              sudo dss prune-cache --keep 20GB
              sudo dss prune-cache --all
            """)

    @Option(
        name: .customLong("unused-for"),
        help: ArgumentHelp("Removes what was not used for so many days; 30 without --keep.", valueName: "days"))
    var days: Double?

    @Option(
        help: ArgumentHelp(
            "Removes the longest unused until the rest takes no more, for example 20GB.", valueName: "size"))
    var keep: ByteCount?

    @Flag(help: "Removes everything that is not in use.")
    var all = false

    @Flag(name: .customLong("dry-run"), help: "Only shows what would be removed.")
    var dryRun = false

    @Option(help: "How to show it: text, markdown or json.")
    var format = OutputFormat.text

    @Flag(help: "The same as --format json.")
    var json = false

    @OptionGroup var place: PlaceOptions

    func validate() throws {
        if all, days != nil || keep != nil { throw ValidationError("--all goes without --unused-for and --keep.") }
        if let days, days < 0 { throw ValidationError("--unused-for takes no negative number of days.") }
    }

    func run() async throws {
        let live = Live()
        if !dryRun { try live.requireRoot(for: "dss prune-cache") }
        let factory = await live.factory(place)
        let entries = factory.cache.entries
        let prunable = entries.prunable(
            unusedForDays: days ?? (keep == nil && !all ? 30 : nil), toBytes: all ? 0 : keep?.bytes,
            now: Date().timeIntervalSince1970)
        var removed: [ContentCache.Entry] = []
        for entry in prunable where !dryRun {
            // A build may have taken it a moment ago.
            do { try await factory.remove(entry) } catch let error as Failure where error.code == .temporary {
                continue
            }
            removed.append(entry)
        }
        let gone = dryRun ? prunable : removed
        let terminal = Terminal.standardOutput
        terminal.write(
            Table.cache(entries, gone: gone, isDryRun: dryRun).rendered(as: json ? .json : format, terminal.style))
    }
}

/// Bytes as they are written: `20GB`, `512MiB`.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int64

    private static let units: [(name: String, bytes: Int64)] = [
        ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("MiB", 1 << 20), ("GiB", 1 << 30),
        ("TiB", 1 << 40), ("B", 1),
    ]

    init?(argument: String) {
        for unit in Self.units where argument.hasSuffix(unit.name) {
            guard let number = Double(argument.dropLast(unit.name.count)), number >= 0, number < 1_000_000 else {
                continue
            }
            bytes = Int64(number * Double(unit.bytes))
            return
        }
        guard argument == "0" else { return nil }
        bytes = 0
    }
}

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

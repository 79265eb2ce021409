import ArgumentParser
import FoundationEssentials
import LocalProvider
import Reporting
import Sandbox

/// `dss prune-cache`
struct PruneCache: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune-cache",
        abstract: "Remove unused cache entries",
        discussion: """
            The cache holds base systems, installed steps and compressed layers, which make the next build faster. \
            Removed entries are rebuilt when they are needed. Entries that a running build uses are kept. --all asks \
            for confirmation. A build notices files that were changed, but reads only a part of their contents; --verify \
            reads all of them.

            Examples:
              sudo dss prune-cache --dry-run
              sudo dss prune-cache --unused-for 7
              sudo dss prune-cache --keep 20GB
              sudo dss prune-cache --all
              sudo dss prune-cache --all --yes
              sudo dss prune-cache --verify
            """)

    @Option(
        name: .customLong("unused-for"),
        help: ArgumentHelp(
            "Remove entries that were not used for this many days (default: 30, unless --keep is given)",
            valueName: "days"))
    var days: Double?

    @Option(
        help: ArgumentHelp(
            "Remove the least recently used entries until the cache is no larger than this, for example 20GB",
            valueName: "size"), transform: ByteCount.init(parsing:))
    var keep: ByteCount?

    @Flag(help: "After confirmation, remove all entries that are not in use")
    var all = false

    @Flag(
        help: """
            Read the contents of all entries, and remove those that have changed since they were built, or that cannot \
            be verified
            """)
    var verify = false

    @Flag(name: .customLong("dry-run"), help: .dryRun)
    var dryRun = false

    @Flag(help: .yes)
    var yes = false

    @Option(help: "Output format: text, markdown or json")
    var format = OutputFormat.text

    @Flag(help: .jsonFormat)
    var json = false

    @OptionGroup var place: DirectoryOptions

    func validate() throws {
        if all, days != nil || keep != nil {
            throw ValidationError("--all cannot be combined with --unused-for or --keep")
        }
        if verify, all || days != nil || keep != nil {
            throw ValidationError("--verify cannot be combined with --all, --unused-for or --keep")
        }
        if let days, !days.isFinite || days < 0 {
            throw ValidationError("--unused-for must be a number of days, and not negative")
        }
    }

    /// Also for a dry run: only root can read the cache.
    var needsRoot: Bool { true }

    func run(in live: Live) async throws {
        if all, !dryRun, !yes { try await confirmRemoval(live) }
        live.show(.cache(try await prune(live, isDryRun: dryRun), isDryRun: dryRun), as: json ? .json : format)
    }

    private func prune(_ live: Live, isDryRun: Bool) async throws -> CachePruning {
        guard !verify else { return try await live.factory(place).verifyCache(isDryRun: isDryRun) }
        return try await live.factory(place).prune(
            unusedForDays: days ?? (keep == nil && !all ? 30 : nil), toBytes: all ? 0 : keep?.bytes,
            now: live.now().timeIntervalSince1970, isDryRun: isDryRun)
    }

    /// Asks before the whole cache is removed, because the next build then starts from scratch.
    private func confirmRemoval(_ live: Live) async throws {
        let gone = try await prune(live, isDryRun: true).removed
        guard !gone.isEmpty else { return }
        let what = gone.count == 1 ? "1 cache entry" : "\(gone.count) cache entries"
        try await live.confirm(
            "Remove \(what) (\(Units.size(gone.reduce(0) { $0 + $1.bytes })))?", orElse: "nothing was removed")
    }
}

/// A number of bytes in text form, such as `20GB` or `512MiB`.
struct ByteCount: Sendable {
    let bytes: Int64

    private static let units: [(name: String, bytes: Int64)] = [
        ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("MiB", 1 << 20), ("GiB", 1 << 30),
        ("TiB", 1 << 40), ("B", 1),
    ]

    /// - Throws: `ValidationError` with the reason.
    init(parsing argument: String) throws {
        for unit in Self.units where argument.hasSuffix(unit.name) {
            guard let number = Double(argument.dropLast(unit.name.count)), number >= 0, number < 1_000_000 else {
                continue
            }
            bytes = Int64(number * Double(unit.bytes))
            return
        }
        guard argument == "0" else {
            throw ValidationError(
                argument.wholeMatch(of: /[0-9]+(\.[0-9]+)?/) == nil
                    ? "must be a number with a unit, for example 20GB or 512MiB"
                    : "must have a unit, for example \(argument)GB or \(argument)GiB")
        }
        bytes = 0
    }
}

extension Table {
    /// The cache entries, and which of them are removed.
    static func cache(_ pruning: CachePruning, isDryRun: Bool) -> Table {
        let (entries, gone) = (pruning.entries, pruning.removed)
        let sum = gone.reduce(0) { $0 + $1.bytes }
        let state = { (entry: ContentCache.Entry) -> String in
            if gone.contains(entry) { return isDryRun ? "would go" : "removed" }
            return entry.isInUse ? "in use" : "stays"
        }
        return Table(
            [
                Column("kind"), Column("what", fit: .wraps), Column("size", key: "bytes", .right),
                Column("last used", key: "last_used"), Column("state"), Column("key", in: .programs),
            ],
            rows: entries.map { entry in
                let state = state(entry)
                return [
                    Cell(entry.kind == .base ? "base" : "step"), Cell(entry.description), size(entry.bytes),
                    Cell(Date(timeIntervalSince1970: entry.lastUsed).formatted(.iso8601.year().month().day())),
                    Cell(
                        ["would go": "would be removed", "stays": "kept"][state] ?? state,
                        .string(state.replacing(" ", with: "-")), ink: gone.contains(entry) ? .yellow : nil),
                    Cell(entry.key),
                ]
            },
            total: [Cell(isDryRun ? "would free" : "freed"), "", size(sum), "", "", ""], empty: "the cache is empty")
    }
}

extension ContentCache.Entry {
    /// What the entry contains, such as `roles jupyter, notebooks (first built for 0.1.0)`.
    var description: String {
        guard isWhole else { return "incomplete" }
        switch kind {
        case .base: return ["distribution", "suite", "profile"].compactMap { inputs[$0] }.joined(separator: " ")
        case .layers:
            let origin = "first built for \(inputs["asset id"] ?? "")"
            return inputs["roles"].map { "\($0.contains(",") ? "roles" : "role") \($0) (\(origin))" } ?? origin
        }
    }
}

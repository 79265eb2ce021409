import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// Looks for our things in one region: all kinds at the same time, all pages, one page in memory at a time.
struct RegionSearch: Sendable {
    /// In that region.
    let client: AWSClient
    let rules: AssetRules
    let kinds: Set<AWSAsset.Kind>
    let prices: PriceList
    let now: Date

    var region: String { client.region }

    func run() async throws -> RegionFindings {
        // Whether something is an orphan is known only beside what it belongs to, so that more is asked for than is
        // shown in the end.
        async let machines = wants(.stack, .resource, .instance, .keyPair, .s3Object, .upload, .build) ? stacks() : nil
        async let images = wants(.ami, .snapshot, .exportTask) ? images() : nil
        async let keyPairs = wants(.keyPair) ? keyPairs() : []

        var findings = RegionFindings(region: region)
        if let found = try await images {
            findings.images = found.images
            findings.imageOfSnapshot = found.imageOfSnapshot
            findings.assets += found.assets
        }
        findings.assets += try await keyPairs
        if let found = try await machines {
            findings.stacks = found.names
            findings.stackOfResource = found.stackOfResource
            findings.assets += found.assets
        }
        return findings
    }

    func wants(_ some: AWSAsset.Kind...) -> Bool { some.contains(where: kinds.contains) }

    /// A list as a whole, for what is few.
    func all<O: PagedOperation>(_ operation: O) async throws -> [O.Item] {
        var found: [O.Item] = []
        for try await item in client.items(of: operation) { found.append(item) }
        return found
    }

    /// Two ways of finding the same things, at the same time; each thing once.
    func either<O: PagedOperation>(
        _ first: O, _ second: O, _ asset: @escaping @Sendable (O.Item) -> AWSAsset?
    ) async throws -> [AWSAsset] {
        async let some = assets(first, asset)
        let others = try await assets(second, asset)
        let found = try await some
        let known = Set(found.map(\.id))
        return found + others.filter { !known.contains($0.id) }
    }

    func assets<O: PagedOperation>(
        _ operation: O, _ asset: @Sendable (O.Item) -> AWSAsset?
    ) async throws -> [AWSAsset] {
        var found: [AWSAsset] = []
        for try await item in client.items(of: operation) { if let asset = asset(item) { found.append(asset) } }
        return found
    }

    /// EC2 takes at most 200 values for a filter.
    func inPortions<Element: Sendable>(
        of values: [String], _ ask: @escaping @Sendable ([String]) async throws -> [Element]
    ) async throws -> [Element] {
        try await withThrowingTaskGroup(of: [Element].self) { group in
            for start in stride(from: 0, to: values.count, by: 200) {
                group.addTask { try await ask(Array(values[start..<min(start + 200, values.count)])) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }
}

import AWSCore
import AWSServices
import Sandbox

/// Looks for our things in one region: all kinds at the same time, all pages, one page in memory at a time.
struct RegionSearch: Sendable {
    /// In that region.
    let client: AWSClient
    let rules: AssetRules
    let kinds: Set<AWSAsset.Kind>
    let prices: PriceList

    var region: String { client.region }

    func run() async throws -> RegionFindings {
        async let stacks = stacks()
        async let images = wants(.ami, .snapshot, .exportTask) ? images() : []
        async let snapshots = wants(.snapshot) ? snapshots() : []
        async let tasks = wants(.exportTask) ? all(EC2.DescribeExportImageTasks()) : []
        async let keyPairs = wants(.keyPair) ? keyPairs() : []
        async let instances = wants(.instance) ? instances() : []

        var findings = RegionFindings(region: region)
        try await findings.take(stacks)
        try await findings.assets += instancesOfStacks(besides: instances, findings)
        try await findings.assets += keyPairs
        let found = try await images
        findings.takeImages(found, in: region)
        if wants(.snapshot) {
            findings.imageOfSnapshot = users(found)
            try await add(snapshots, to: &findings)
        } else if wants(.exportTask) {
            findings.imageOfSnapshot = [:]
        }
        try await add(tasks, to: &findings)
        findings.assets.removeAll { !kinds.contains($0.kind) }
        return findings
    }

    func wants(_ some: AWSAsset.Kind...) -> Bool { some.contains(where: kinds.contains) }

    /// A list as a whole, for what is few.
    func all<O: PagedOperation>(_ operation: O) async throws -> [O.Item] {
        var found: [O.Item] = []
        for try await item in client.items(of: operation) { found.append(item) }
        return found
    }
}

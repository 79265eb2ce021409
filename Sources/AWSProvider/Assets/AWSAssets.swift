import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// What builds have made on AWS and what they left, found by tags and names, without any record of ours.
package struct AWSAssets: Sendable {
    /// What was found, and where nobody could look.
    package struct Inventory: Sendable {
        package var assets: [AWSAsset] = []
        package var gaps: [Gap] = []

        package init() {}
    }

    /// A region that did not tell.
    package struct Gap: Sendable {
        package var region: String
        package var reason: AWSError
    }

    private let client: AWSClient
    private let prices: PriceList
    private let now: @Sendable () -> Date

    /// - Parameter client: of any region.
    package init(
        _ client: AWSClient, prices: PriceList = .shipped, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.client = client
        self.prices = prices
        self.now = now
    }

    /// The regions that the account can use.
    package func regions() async throws -> [String] {
        try await client.call(EC2.DescribeRegions()).regions.filter { $0.optInStatus != "not-opted-in" }
            .map(\.regionName).sorted()
    }

    /// Looks in all regions at the same time.
    /// - Parameter kinds: what is wanted; less is asked of AWS then.
    /// - Throws: `AWSError` where no region tells anything.
    package func find(
        _ rules: AssetRules, kinds: Set<AWSAsset.Kind> = Set(AWSAsset.Kind.allCases), in regions: [String]
    ) async throws -> Inventory {
        let found = try await withThrowingTaskGroup(of: (String, Result<[AWSAsset], AWSError>).self) { group in
            for region in Set(regions) {
                let search = RegionSearch(
                    client: client.region(region), rules: rules, kinds: kinds, prices: prices, now: now())
                group.addTask {
                    do {
                        var assets = try await search.run().accounted()
                        assets.removeAll { !kinds.contains($0.kind) }
                        return (region, .success(assets))
                    } catch let error as AWSError where regions.count > 1 {
                        return (region, .failure(error))
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var inventory = Inventory()
        for (region, result) in found.sorted(by: { $0.0 < $1.0 }) {
            switch result {
            case .success(let assets): inventory.assets += assets
            case .failure(let reason): inventory.gaps.append(Gap(region: region, reason: reason))
            }
        }
        if inventory.gaps.count == found.count, let gap = inventory.gaps.first { throw gap.reason }
        inventory.assets.sort(by: Self.isBefore)
        return inventory
    }

    /// By asset id, then region, then kind in the order of their declaration; what has ended stands last.
    private static func isBefore(_ one: AWSAsset, _ other: AWSAsset) -> Bool {
        if one.assetID != other.assetID { return one.assetID < other.assetID }
        if one.region != other.region { return one.region < other.region }
        if one.isEnded != other.isEnded { return other.isEnded }
        if one.kind != other.kind { return one.kind.rank < other.kind.rank }
        if one.id != other.id { return one.id < other.id }
        if one.isSuperseded != other.isSuperseded { return other.isSuperseded }
        return (one.version ?? "") < (other.version ?? "")
    }
}

extension AWSAsset.Kind {
    private static let ranks = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

    var rank: Int { Self.ranks[self]! }
}

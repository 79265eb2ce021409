import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// The artifacts and leftovers of builds in an AWS account, found by tags and names without a record of past builds.
package struct AWSAssets: Sendable {
    /// Client for any region; each search derives a client for its own region.
    package let client: AWSClient
    package let rules: AssetRules
    package let regions: [String]
    let polling: PollingPolicy
    private let prices: PriceList
    private let now: @Sendable () -> Date

    /// - Parameter regions: the regions to search.
    package init(
        _ client: AWSClient, _ rules: AssetRules, in regions: [String], polling: PollingPolicy = PollingPolicy(),
        prices: PriceList = .shipped, now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.client = client
        self.rules = rules
        self.regions = regions
        self.polling = polling
        self.prices = prices
        self.now = now
    }

    /// The regions that the account can use.
    package static func regions(of client: AWSClient) async throws -> [String] {
        try await client.call(EC2.DescribeRegions()).regions.filter { $0.optInStatus != "not-opted-in" }
            .map(\.regionName).sorted()
    }

    package func find() async throws -> Inventory { try await find(Asset.Kind.onAWS) }

    /// Searches all regions at the same time.
    /// - Parameters:
    ///   - kinds: the kinds to find; fewer kinds need fewer requests to AWS.
    ///   - others: the regions to search instead of `regions`.
    /// - Throws: `AWSError` if the search fails in every region.
    package func find(_ kinds: some Sequence<Asset.Kind>, in others: [String]? = nil) async throws -> Inventory {
        let regions = Set(others ?? regions)
        let kinds = Set(kinds)
        let found = try await withThrowingTaskGroup(of: (String, Result<[Asset], AWSError>).self) { group in
            for region in regions {
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
            case .failure(let reason): inventory.gaps.append(.init(region: region, reason: reason))
            }
        }
        if inventory.gaps.count == found.count, let gap = inventory.gaps.first { throw gap.reason }
        inventory.assets.sort(by: Self.isBefore)
        return inventory
    }

    /// Orders assets by asset id, then region, then kind in the order of listings; ended assets come last in their
    /// region.
    private static func isBefore(_ one: Asset, _ other: Asset) -> Bool {
        if one.assetID != other.assetID { return one.assetID < other.assetID }
        if one.region != other.region { return one.region < other.region }
        if one.isEnded != other.isEnded { return other.isEnded }
        if one.kind != other.kind { return one.kind.rank < other.kind.rank }
        if one.id != other.id { return one.id < other.id }
        if one.isSuperseded != other.isSuperseded { return other.isSuperseded }
        return (one.version ?? "") < (other.version ?? "")
    }
}

extension Asset.Kind {
    private static let ranks = Dictionary(uniqueKeysWithValues: onAWS.enumerated().map { ($1, $0) })

    fileprivate var rank: Int { Self.ranks[self] ?? 0 }
}

/// The resources found in one region, before they are assigned to each other.
package struct RegionFindings: Sendable {
    package var region: String
    /// Names of all existing stacks of the region, including those that are not ours; `nil` if stacks were not
    /// requested.
    package var stacks: Set<String>?
    /// The stack of each resource of our stacks, by the id of the resource.
    package var stackOfResource: [String: String] = [:]
    /// Asset ids of existing images, by image id; empty if the image is not ours. `nil` if images were not requested.
    package var images: [String: String]?
    /// The image that uses a snapshot, by the id of the snapshot.
    package var imageOfSnapshot: [String: String] = [:]
    package var assets: [Asset] = []

    package init(region: String) {
        self.region = region
    }

    /// The assets with their parents; an asset whose parent is gone is marked as an orphan.
    package consuming func accounted() -> [Asset] {
        let stacked = Set(assets.lazy.filter { $0.kind == .stack }.map(\.assetID))
        // The array is moved, not copied: there may be very many assets.
        var result: [Asset] = []
        swap(&result, &assets)
        for index in result.indices where !result[index].isEnded { account(for: &result[index], stacked) }
        return result
    }

    /// - Parameter stacked: the asset ids that have a stack.
    private func account(for asset: inout Asset, _ stacked: Set<String>) {
        switch asset.kind {
        case .instance:
            guard let stacks else { return }
            asset.parent = stackOfResource[asset.id] ?? asset.parent
            asset.isOrphan = !(asset.parent.map(stacks.contains) ?? false)
        case .snapshot:
            guard let images else { return }
            let isWritten = asset.state != "pending"
            // An image that is still being created does not list its snapshots yet.
            let expected = isWritten ? nil : asset.parent.flatMap { images[$0] == nil ? nil : $0 }
            let image = imageOfSnapshot[asset.id] ?? expected
            asset.isOrphan = image == nil && isWritten
            asset.parent = image ?? (isWritten ? asset.parent : nil)
        case .exportTask:
            guard let images else { return }
            asset.isOrphan = !(asset.parent.map { images[$0] != nil } ?? false)
        case .keyPair:
            guard stacks != nil else { return }
            asset.parent = stackOfResource[asset.name ?? ""] ?? stackOfResource[asset.id]
            asset.isOrphan = asset.parent == nil && !stacked.contains(asset.assetID)
        default: return
        }
    }
}

/// The rules that decide which resources are ours: those with the tag from the definition, or, if they lack it, with a
/// name from the definition.
package struct AssetRules: Sendable {
    package let names: SandboxDefinition.Names
    package let pattern: AssetPattern
    /// Disk size of a machine in GiB, which AWS does not include in a list of instances.
    package let volumeGiB: Int
    private let dashedPattern: AssetPattern

    package init(_ definition: SandboxDefinition, _ pattern: AssetPattern) {
        self.init(names: definition.names, volumeGiB: definition.aws.volumeSizeGiB, pattern)
    }

    package init(names: SandboxDefinition.Names = .init(), volumeGiB: Int = 100, _ pattern: AssetPattern) {
        self.names = names
        self.pattern = pattern
        self.volumeGiB = volumeGiB
        dashedPattern = AssetPattern(AssetID.dashed(pattern.description))
    }

    /// Name prefix of the stacks that are deployed once in an account.
    package static let permanentPrefix = "DATA-SCIENCE-SANDBOX-"
    /// Key of the tag with the time, in ISO 8601, at which an instance or another resource expires.
    package static let expiryTag = "expires-at"
    /// Environment variables that contain the asset id of a CodeBuild build.
    package static let buildVariables = ["ASSET_ID", "DSS_ASSET_ID"]

    package var tagKey: String { names.tagKey }

    // The owner is the asset id of a resource; `nil` if it has none, or one that was not asked for.

    package func owner(_ tags: [EC2.Tag], amiName: String?) -> String? {
        owner(tag: tags.first { $0.key == tagKey }?.value) {
            amiName.flatMap { named($0, names.ami, pattern) }
        }
    }

    package func owner(_ tags: [EC2.Tag], stackName: String?) -> String? {
        owner(tag: tags.first { $0.key == tagKey }?.value) {
            stackName.flatMap { named($0, names.stack, dashedPattern) }
        }
    }

    package func owner(of stack: CloudFormation.Stack) -> String? {
        let tag = stack.tags.first { $0.key == tagKey }?.value
        if tag == nil, isPermanent(stack.stackName) { return isUnlimited ? "" : nil }
        return owner(tag: tag) { named(stack.stackName, names.stack, dashedPattern) }
    }

    package func owner(ofKey key: String) -> String? {
        let folder = names.bucketPrefix + "/"
        guard key.hasPrefix(folder), let end = key.dropFirst(folder.count).firstIndex(of: "/") else { return nil }
        let id = String(key[..<end].dropFirst(folder.count))
        return matches(id) ? id : nil
    }

    package func owner(of build: CodeBuild.Build) -> String? {
        let variable = build.environment?.environmentVariables?.first { Self.buildVariables.contains($0.name) }
        if let variable { return pattern.matches(variable.value) ? variable.value : nil }
        return isUnlimited ? "" : nil
    }

    package func isPermanent(_ stackName: String) -> Bool { stackName.hasPrefix(Self.permanentPrefix) }

    /// Whether the pattern matches everything, including resources without an asset id.
    package var isUnlimited: Bool { pattern.description == "*" }

    // Filters for requests to AWS, so that the responses contain little else.

    package var tagFilter: EC2.Filter { .init(name: "tag:\(tagKey)", values: [pattern.description]) }
    package var imageNames: String { filled(names.ami, pattern) }
    package var keyPairNames: String { filled(names.stack, dashedPattern) }

    /// The common prefix of all keys that can match.
    package var keyPrefix: String {
        if pattern.isExact { return AssetID.folder(of: pattern.description, under: names.bucketPrefix) }
        return "\(names.bucketPrefix)/\(pattern.description.prefix { !"*?".contains($0) })"
    }

    private func owner(tag: String?, orNamed name: () -> String?) -> String? {
        guard let tag else { return name() }
        return matches(tag) ? tag : nil
    }

    private func matches(_ id: String) -> Bool { isUnlimited || pattern.matches(id) }

    private static let placeholder = "<asset-id>"

    private func filled(_ template: String, _ pattern: AssetPattern) -> String {
        template.replacing(Self.placeholder, with: pattern.description)
    }

    /// The asset id in a name that was created from a template.
    private func named(_ name: String, _ template: String, _ pattern: AssetPattern) -> String? {
        guard let place = template.firstRange(of: Self.placeholder) else { return nil }
        let (head, tail) = (template[..<place.lowerBound], template[place.upperBound...])
        guard name.count > head.count + tail.count, name.hasPrefix(head), name.hasSuffix(tail) else { return nil }
        let id = String(name.dropFirst(head.count).dropLast(tail.count))
        return pattern.matches(id) ? id : nil
    }
}

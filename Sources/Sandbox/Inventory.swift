import FoundationEssentials

/// The assets that were found, and the regions in which they could not be listed.
package struct Inventory: Sendable {
    package var assets: [Asset] = []
    package var gaps: [Gap] = []

    /// A region whose assets could not be listed.
    package struct Gap: Sendable {
        package var region: String
        package var reason: any Error

        package init(region: String, reason: any Error) {
            self.region = region
            self.reason = reason
        }
    }

    package init(assets: [Asset] = []) {
        self.assets = assets
    }
}

/// Finds and removes the assets of a provider. `AssetRemover` decides which assets are removed, and when.
package protocol AssetInventory: Sendable {
    /// The waves of a removal, in order. Assets of all kinds in one wave can be removed at the same time.
    static var removalOrder: [Set<Asset.Kind>] { get }

    func find() async throws -> Inventory

    /// Splits a wave into batches, each of which fits one call of `remove`.
    func batches(of wave: [Asset]) -> [[Asset]]

    /// Removes a batch and waits until it is gone. Assets that are already gone count as removed.
    /// - Returns: The assets that could not be removed.
    /// - Throws: An error that prevents the removal of the entire batch.
    func remove(_ batch: [Asset]) async throws -> [Leftover]

    /// The command that removes an asset manually, to copy and paste.
    func manualCommand(for asset: Asset) -> String
}

/// An asset that could not be removed, and why.
package struct Leftover: Sendable {
    package var asset: Asset
    package var reason: String
    /// Whether the asset is left only because the removal was interrupted.
    package var isInterrupted = false

    package init(_ asset: Asset, reason: String, isInterrupted: Bool = false) {
        self.asset = asset
        self.reason = reason
        self.isInterrupted = isInterrupted
    }
}

/// The assets to remove, and the order: first what still writes, then what runs, then what is stored. An AMI is removed
/// before the snapshots that it uses.
package struct RemovalPlan: Sendable, Equatable {
    /// The assets to remove, in waves. All assets of a wave can be removed at the same time.
    package var waves: [[Asset]] = []
    /// Assets that are part of a stack and are removed with it.
    package var companions: [Asset] = []
    /// Assets that were selected but are kept, and why.
    package var spared: [Spared] = []

    package struct Spared: Sendable, Equatable {
        package var asset: Asset
        package var reason: String
    }

    /// Plans the removal of the selected assets.
    /// - Parameters:
    ///   - order: the waves of `AssetInventory.removalOrder`.
    ///   - adopts: whether assets that have only our name are removed too.
    package init(
        _ assets: [Asset], order: [Set<Asset.Kind>], keeping kept: Set<Asset.Kind> = [], adopting adopts: Bool = false
    ) {
        let present = assets.filter { !$0.isEnded }
        let users = Dictionary(grouping: present.filter(\.isInUse), by: \.assetID)
        let busy = Set(users.keys)
        let removable = present.filter {
            $0.kind != .resource && !$0.isPermanent && !kept.contains($0.kind) && !busy.contains($0.assetID)
                && $0.keeper == nil && (adopts || !$0.isNameOnly)
        }
        let removed = Set(removable.map(\.place))
        var going: [Asset] = []
        for asset in present {
            if asset.kind == .resource {
                if let stack = asset.parentPlace, removed.contains(stack) { companions.append(asset) }
            } else if asset.assetID.isEmpty, !asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it has no asset id"))
            } else if asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it is permanent"))
            } else if busy.contains(asset.assetID) {
                spared.append(Spared(asset: asset, reason: Self.use(by: users[asset.assetID] ?? [])))
            } else if let keeper = asset.keeper {
                spared.append(Spared(asset: asset, reason: "kept by a build with --state \(keeper)"))
            } else if kept.contains(asset.kind) {
                spared.append(Spared(asset: asset, reason: "--keep \(asset.kind.rawValue)"))
            } else if let owner = asset.parentPlace, asset.isPart, !removed.contains(owner) {
                let use = asset.kind == .snapshot ? "uses it" : "has it"
                spared.append(Spared(asset: asset, reason: "\(owner.id) \(use), which stays"))
            } else if asset.kind != .snapshot, asset.isPart {
                companions.append(asset)
            } else if asset.isNameOnly, !adopts {
                spared.append(Spared(asset: asset, reason: "it has only the name, not the tag; --adopt removes it too"))
            } else {
                going.append(asset)
            }
        }
        waves = order.map { kinds in going.filter { kinds.contains($0.kind) } }.filter { !$0.isEmpty }
    }

    /// Unfinished images are in use as long as anything of their asset id is.
    private static func use(by users: [Asset]) -> String {
        let stored: Set<Asset.Kind> = [.image, .manifest, .partialExport]
        let isMachine = Set(users.map(\.kind)).subtracting(stored) == [.process]
        return "in use by a running \(isMachine ? "virtual machine" : "build")"
    }

    package var assets: [Asset] { waves.flatMap { $0 } }

    /// All assets that the plan removes, in the order of the listing from which the plan was created.
    package func listed(in listing: [Asset]) -> [Asset] {
        let going = Set((assets + companions).map(\.place))
        return listing.filter { going.contains($0.place) }
    }

    /// The number of assets that are gone if the given leftovers remain.
    package func count(besides left: [Leftover]) -> Int {
        let places = Set(left.map(\.asset.place))
        return assets.count { !places.contains($0.place) }
            + companions.count { !($0.parentPlace.map(places.contains) ?? false) }
    }

    package var isEmpty: Bool { waves.isEmpty }
}

extension [Asset] {
    /// The assets that have expired, and their parts.
    package func expired(at now: Date) -> [Asset] {
        let places = Set(lazy.filter { $0.isExpired(at: now) }.map(\.place))
        return filter { asset in
            places.contains(asset.place) || (asset.parentPlace.map(places.contains) ?? false)
        }
    }
}

import FoundationEssentials

/// What is removed, and in which order: what still writes first, then what runs, then what is stored; an image before
/// the snapshots that it uses.
package struct RemovalPlan: Sendable, Equatable {
    /// What can be removed at the same time; one wave after the other.
    package var waves: [[AWSAsset]]
    /// What goes by itself with its stack.
    package var companions: [AWSAsset] = []
    /// What stays although it was meant, and why.
    package var spared: [Spared] = []

    package struct Spared: Sendable, Equatable {
        package var asset: AWSAsset
        package var reason: String
    }

    private static let order: [Set<AWSAsset.Kind>] = [
        [.exportTask, .build], [.stack, .instance], [.ami, .keyPair], [.snapshot], [.upload], [.s3Object],
    ]

    package init(_ assets: [AWSAsset], keeping kept: Set<AWSAsset.Kind> = []) {
        let present = assets.filter { !$0.isEnded }
        let removable = present.filter { $0.kind != .resource && !$0.isPermanent && !kept.contains($0.kind) }
        let removed = Set(removable.map(\.place))
        var going: [AWSAsset] = []
        for asset in present {
            if asset.kind == .resource {
                if let stack = asset.parentPlace, removed.contains(stack) { companions.append(asset) }
            } else if asset.assetID.isEmpty, !asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it has no asset id"))
            } else if asset.isPermanent {
                spared.append(Spared(asset: asset, reason: "it is permanent"))
            } else if kept.contains(asset.kind) {
                spared.append(Spared(asset: asset, reason: "--keep \(asset.kind.rawValue)"))
            } else if let owner = asset.parentPlace, asset.isPart, !removed.contains(owner) {
                let use = asset.kind == .snapshot ? "uses it" : "has it"
                spared.append(Spared(asset: asset, reason: "\(owner.id) \(use), which stays"))
            } else if asset.kind != .snapshot, asset.isPart {
                companions.append(asset)
            } else {
                going.append(asset)
            }
        }
        waves = Self.order.map { kinds in going.filter { kinds.contains($0.kind) } }.filter { !$0.isEmpty }
    }

    package var assets: [AWSAsset] { waves.flatMap { $0 } }

    /// All that is gone afterwards, in the order of the listing that the plan was made of.
    package func listed(in listing: [AWSAsset]) -> [AWSAsset] {
        let going = Set((assets + companions).map(\.place))
        return listing.filter { going.contains($0.place) }
    }

    /// How many are gone when these are left.
    package func count(besides left: [Removal.Leftover]) -> Int {
        let places = Set(left.map(\.asset.place))
        return assets.count { !places.contains($0.place) }
            + companions.count { !($0.parentPlace.map(places.contains) ?? false) }
    }

    package var isEmpty: Bool { waves.isEmpty }
}

extension AWSAsset {
    /// Tells it from all others.
    package struct Place: Hashable, Sendable {
        package var kind: Kind
        package var region: String
        package var id: String
        package var version: String?
    }

    package var place: Place { Place(kind: kind, region: region, id: id, version: version) }

    /// What it belongs to.
    var parentPlace: Place? {
        guard let parent else { return nil }
        switch kind {
        case .snapshot, .exportTask: return Place(kind: .ami, region: region, id: parent)
        case .resource, .instance, .keyPair: return Place(kind: .stack, region: region, id: parent)
        case .stack, .ami, .s3Object, .upload, .build: return nil
        }
    }

    /// It cannot be removed, or would be missed, as long as what it belongs to is there.
    var isPart: Bool { [.snapshot, .instance, .keyPair].contains(kind) && parent != nil && !isOrphan }
}

extension [AWSAsset] {
    /// What is past its time, and what belongs to that.
    package func expired(at now: Date) -> [AWSAsset] {
        let places = Set(lazy.filter { $0.isExpired(at: now) }.map(\.place))
        return filter { asset in
            places.contains(asset.place) || (asset.parentPlace.map(places.contains) ?? false)
        }
    }
}

/// What was found in one region, before it is known what belongs to what.
package struct RegionFindings: Sendable {
    package var region: String
    /// All stacks of the region that are there, whosever they are; `nil` where nobody asked.
    package var stacks: Set<String>?
    /// Ids of the parts of our stacks, with the stack that each belongs to.
    package var stackOfResource: [String: String] = [:]
    /// Images that are there, with their asset ids, empty for a stranger's; `nil` where nobody asked.
    package var images: [String: String]?
    /// Snapshots that an image uses, with that image.
    package var imageOfSnapshot: [String: String] = [:]
    package var assets: [AWSAsset] = []

    package init(region: String) {
        self.region = region
    }

    /// The assets with what each belongs to, and marked where that is gone.
    package consuming func accounted() -> [AWSAsset] {
        let stacked = Set(assets.lazy.filter { $0.kind == .stack }.map(\.assetID))
        // Not twice in memory: there may be very many.
        var result: [AWSAsset] = []
        swap(&result, &assets)
        for index in result.indices where !result[index].isEnded { account(for: &result[index], stacked) }
        return result
    }

    /// - Parameter stacked: the asset ids that have a stack.
    private func account(for asset: inout AWSAsset, _ stacked: Set<String>) {
        switch asset.kind {
        case .instance:
            guard let stacks else { return }
            asset.parent = stackOfResource[asset.id] ?? asset.parent
            asset.isOrphan = !(asset.parent.map(stacks.contains) ?? false)
        case .snapshot:
            guard let images else { return }
            let isWritten = asset.state != "pending"
            // An image that is being made does not tell yet which snapshots are its own.
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
        case .stack, .resource, .ami, .s3Object, .upload, .build: return
        }
    }
}

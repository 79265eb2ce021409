/// What was found in one region, before it is known what belongs to what.
package struct RegionFindings: Sendable {
    package var region: String
    /// All stacks of the region that are there, whosever they are; `nil` where nobody asked.
    package var stacks: Set<String>?
    /// Ids of the parts of our stacks, with the stack that each belongs to.
    package var stackOfResource: [String: String] = [:]
    /// The image that uses a snapshot; `nil` where nobody asked.
    package var imageOfSnapshot: [String: String]?
    /// All images that are there, as far as somebody asked.
    package var images: Set<String> = []
    package var assets: [AWSAsset] = []

    package init(region: String) {
        self.region = region
    }

    /// The assets with what each belongs to, and marked where that is gone.
    package func accounted() -> [AWSAsset] {
        let stacked = Set(assets.lazy.filter { $0.kind == .stack }.map(\.assetID))
        var result = assets
        for index in result.indices where !result[index].isEnded { account(for: &result[index], stacked) }
        return result
    }

    /// - Parameter stacked: the asset ids that have a stack.
    private func account(for asset: inout AWSAsset, _ stacked: Set<String>) {
        switch asset.kind {
        case .instance:
            asset.parent = stackOfResource[asset.id] ?? asset.parent
            asset.isOrphan = stacks.map { stacks in !(asset.parent.map(stacks.contains) ?? false) } ?? false
        case .snapshot:
            guard let imageOfSnapshot else { return }
            let image = imageOfSnapshot[asset.id]
            asset.parent = image ?? asset.parent
            // One that is being written has no image yet.
            asset.isOrphan = image == nil && asset.state != "pending"
        case .exportTask:
            asset.isOrphan = imageOfSnapshot != nil && !(asset.parent.map(images.contains) ?? false)
        case .keyPair:
            asset.parent = stackOfResource[asset.name ?? ""] ?? stackOfResource[asset.id]
            asset.isOrphan = stacks != nil && asset.parent == nil && !stacked.contains(asset.assetID)
        case .stack, .resource, .ami, .s3Object, .upload, .build: return
        }
    }
}

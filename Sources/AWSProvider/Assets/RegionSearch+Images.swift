import AWSCore
import AWSServices

/// AMIs, their snapshots, and their exports.
extension RegionSearch {
    struct FoundImages: Sendable {
        /// With their asset ids, empty for a stranger's.
        var images: [String: String] = [:]
        var imageOfSnapshot: [String: String] = [:]
        var assets: [AWSAsset] = []

        mutating func take(_ image: FoundImage) {
            if images.updateValue(image.asset?.assetID ?? "", forKey: image.id) == nil {
                if let asset = image.asset { assets.append(asset) }
            }
            for snapshot in image.snapshots { imageOfSnapshot[snapshot] = image.id }
        }
    }

    struct FoundImage: Sendable {
        var id: String
        var asset: AWSAsset?
        var snapshots: [String]
    }

    func images() async throws -> FoundImages {
        async let tagged = images([rules.tagFilter])
        async let named = images([.init(name: "name", values: [rules.imageNames])])
        async let taggedSnapshots = wants(.snapshot) ? snapshots([rules.tagFilter]) : []
        async let tasks = wants(.exportTask) ? all(EC2.DescribeExportImageTasks()) : []

        var found = FoundImages()
        for image in try await tagged + named { found.take(image) }
        let snapshots = try await taggedSnapshots
        for image in try await strangers(using: snapshots, found) { found.take(image) }
        found.assets += snapshots
        found.assets += try await snapshotsOfImages(found, besides: snapshots)
        found.assets += try await exports(tasks, found)
        if !kinds.contains(.ami) { found.assets.removeAll { $0.kind == .ami } }
        return found
    }

    private func images(_ filters: [EC2.Filter]) async throws -> [FoundImage] {
        var list = EC2.DescribeImages(owners: ["self"], filters: filters)
        list.maxResults = 1000
        var found: [FoundImage] = []
        for try await image in client.items(of: list) {
            let asset = rules.owner(image.tags, amiName: image.name).map { AWSAsset(image, in: region, of: $0) }
            let snapshots = image.blockDeviceMappings.compactMap(\.ebs?.snapshotId)
            found.append(FoundImage(id: image.imageId, asset: asset, snapshots: snapshots))
        }
        return found
    }

    /// Images that are not ours, but use our snapshots, which are no orphans then.
    private func strangers(using snapshots: [AWSAsset], _ found: FoundImages) async throws -> [FoundImage] {
        let unused = snapshots.filter { found.imageOfSnapshot[$0.id] == nil }
        let unknown = Set(unused.compactMap(\.parent)).subtracting(found.images.keys).sorted()
        return try await inPortions(of: unknown) { ids in
            try await images([.init(name: "image-id", values: ids)]).map {
                FoundImage(id: $0.id, asset: nil, snapshots: $0.snapshots)
            }
        }
    }

    private func snapshots(_ filters: [EC2.Filter]) async throws -> [AWSAsset] {
        var list = EC2.DescribeSnapshots(ownerIds: ["self"], filters: filters)
        list.maxResults = 1000
        return try await assets(list) { snapshot in
            rules.owner(snapshot.tags, amiName: nil).map { AWSAsset(snapshot, in: region, of: $0, prices) }
        }
    }

    /// Snapshots that carry no tag, but belong to an image of ours.
    private func snapshotsOfImages(_ found: FoundImages, besides known: [AWSAsset]) async throws -> [AWSAsset] {
        guard wants(.snapshot) else { return [] }
        let ours = found.imageOfSnapshot.filter { found.images[$0.value] != "" }
        let missing = Set(ours.keys).subtracting(known.map(\.id)).sorted()
        return try await inPortions(of: missing) { ids in
            let list = EC2.DescribeSnapshots(ownerIds: ["self"], filters: [.init(name: "snapshot-id", values: ids)])
            return try await assets(list) { snapshot in
                // Another asset id's tag says that it is not ours.
                guard !snapshot.tags.contains(where: { $0.key == rules.tagKey }) else { return nil }
                return ours[snapshot.snapshotId].flatMap { found.images[$0] }
                    .map { AWSAsset(snapshot, in: region, of: $0, prices) }
            }
        }
    }

    private func exports(_ tasks: [EC2.ExportImageTask], _ found: FoundImages) -> [AWSAsset] {
        tasks.compactMap { task in
            let image = task.imageId.flatMap { found.images[$0] }
            let place = task.s3ExportLocation?.s3Prefix.flatMap { rules.owner(ofKey: $0) }
            let isTagged = task.tags.contains { $0.key == rules.tagKey }
            let owner = isTagged ? rules.owner(task.tags, amiName: nil) : (image == "" ? nil : image) ?? place
            return owner.map { AWSAsset(task, in: region, of: $0) }
        }
    }
}

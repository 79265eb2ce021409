import AWSCore
import AWSServices
import Sandbox

/// An AMI of an asset id, finished or not.
package struct FoundImage: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case pending
        case available
        /// With AWS's reason.
        case failed(String)
    }

    package var id: String
    package var state: State
    /// What its tags say; `nil` where something else than this program has made it.
    package var facts: ImageFacts?
    /// In the form `2026-01-31T12:00:00.000Z`.
    package var created: String?
    package var isDeprecated: Bool
    /// All snapshots that it is known to be made of.
    package var snapshots: [String]
    /// What it is for the export; `nil` as long as its disk is not known.
    package var image: CapturedImage?

    /// - Returns: `nil` where it is not there any more.
    init?(_ image: EC2.Image, named name: String) {
        switch image.state {
        case "pending", "transient": state = .pending
        case "available", "disabled": state = .available
        case "failed", "error", "invalid":
            state = .failed(image.stateReason?.message ?? image.stateReason?.code ?? "AWS gives no reason")
        default: return nil
        }
        id = image.imageId
        facts = ImageFacts(image.tags)
        created = image.creationDate
        isDeprecated = image.deprecationTime != nil
        snapshots = image.blockDeviceMappings.compactMap(\.ebs?.snapshotId)
        let root =
            image.blockDeviceMappings.first { $0.deviceName == image.rootDeviceName }
            ?? image.blockDeviceMappings.first
        if let snapshot = root?.ebs?.snapshotId {
            self.image = CapturedImage(
                id: image.imageId, name: name, snapshotID: snapshot, volumeGiB: root?.ebs?.volumeSize ?? 0)
        }
    }
}

extension ImageCapture {
    /// The AMI of the asset id, by its name and tag; one that an earlier run has begun as well as one that is whole.
    package func existing() async throws -> FoundImage? {
        let search = EC2.DescribeImages(
            owners: ["self"], filters: [.init(name: "name", values: [site.imageName]), tagFilter])
        let images = try await site.client.call(search).images
        return images.lazy.compactMap { FoundImage($0, named: site.imageName) }.first
    }

    func look(_ id: String) async throws -> FoundImage? {
        do {
            return try await site.client.call(EC2.DescribeImages(imageIds: [id])).images.first
                .flatMap { FoundImage($0, named: site.imageName) }
        } catch let error as AWSError where Self.gone.contains(error.code) {
            return nil
        }
    }

    /// Snapshots of the asset id that CreateImage has made for an image, which does not tell them while it is pending.
    func snapshots(of image: String) async throws -> [EC2.Snapshot] {
        try await snapshotsOfImages().filter { $0.isMade(for: image) }
    }

    func snapshotsOfImages() async throws -> [EC2.Snapshot] {
        var found: [EC2.Snapshot] = []
        for try await snapshot in site.client.items(
            of: EC2.DescribeSnapshots(ownerIds: ["self"], filters: [tagFilter]))
        where snapshot.isMade(for: "ami-") { found.append(snapshot) }
        return found
    }

    var tagFilter: EC2.Filter { .init(name: "tag:\(site.names.tagKey)", values: [site.assetID.rawValue]) }

    static let gone: Set = ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"]
}

extension EC2.Snapshot {
    /// Their descriptions are `Created by CreateImage(i-…) for ami-…`.
    fileprivate func isMade(for image: String) -> Bool {
        guard let description, description.contains("CreateImage(") else { return false }
        return description.contains("for \(image)")
    }
}

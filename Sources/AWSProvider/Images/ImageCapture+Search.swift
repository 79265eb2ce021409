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
        snapshots = image.snapshotIDs
        if let disk = image.rootDisk, let snapshot = disk.snapshotId {
            self.image = CapturedImage(
                id: image.imageId, name: name, snapshotID: snapshot, volumeGiB: disk.volumeSize ?? 0)
        }
    }
}

extension ImageCapture {
    /// The AMI of the asset id, by its name and tag; one that an earlier run has begun as well as one that is whole.
    package func existing() async throws -> FoundImage? {
        try await images.all([.init(name: "name", values: [site.imageName]), site.tagFilter])
            .lazy.compactMap { FoundImage($0, named: site.imageName) }.first
    }

    func look(_ id: String) async throws -> FoundImage? {
        try await images.image(id).flatMap { FoundImage($0, named: site.imageName) }
    }

    var images: OwnImages { OwnImages(site.client, pace: site.pace) }
}

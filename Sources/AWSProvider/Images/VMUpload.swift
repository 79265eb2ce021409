import AWSCore
import AWSServices
import Sandbox

/// A raw disk of this machine becomes an AMI: no instance, no import task.
package struct VMUpload: Sendable {
    package let site: BuildSite
    package let registration: Registration

    package init(_ site: BuildSite, _ registration: Registration) {
        self.site = site
        self.registration = registration
    }

    /// - Parameter disk: path of the raw file.
    /// - Throws: `Failure` before anything is sent where AWS would refuse the image in the end.
    package func run(_ disk: String, undo: Undo, events: @escaping EventSink) async throws -> CapturedImage {
        let there = try await activity("check", events) { try await check() }
        let blocks = try await activity("read disk", events) {
            try await DiskBlocks(of: disk) { events(.progress(.capture, $0.shown("read the disk"))) }
        }
        let upload = DiskUpload(site, disk: disk, blocks)
        if let there {
            guard upload.isSame(there.snapshot) else { throw isTaken(by: there.image) }
            events(.notice("the AMI \(there.image.imageId) of an earlier run is this disk"))
            return try await registration.finish(there.image, upload.output(there.snapshot), undo, events)
        }
        let snapshot = try await upload.run(undo: undo, events: events)
        return try await registration.run(snapshot, undo: undo, events: events)
    }

    private struct Earlier: Sendable {
        var image: EC2.Image
        var snapshot: EC2.Snapshot
    }

    private var images: OwnImages { OwnImages(site.client, pace: site.pace) }

    /// - Returns: what an earlier upload of this asset id has made.
    private func check() async throws -> Earlier? {
        async let named = images.named(registration.name)
        async let all = images.all([]).count
        let ofAsset = try await images.images(of: site.assetID, site.names)
        if let image = ofAsset.first { return try await earlier(image) }
        if let image = try await named {
            throw Failure(
                .badData, "the AMI name '\(registration.name)' is taken in \(site.region) by \(image.imageId)",
                advice: "give another name with --name")
        }
        try await AccountQuota.images.check(used: try await all, site.client)
        return nil
    }

    private func earlier(_ image: EC2.Image) async throws -> Earlier {
        guard image.name == registration.name, ["available", "pending"].contains(image.state),
            let snapshot = try await images.snapshots(of: image).first,
            snapshot.tags.contains(where: { $0.key == DiskUpload.contentTag })
        else { throw isTaken(by: image) }
        return Earlier(image: image, snapshot: snapshot)
    }

    private func isTaken(by image: EC2.Image) -> Failure {
        Failure(
            .badData,
            "the asset id \(site.assetID) has another AMI in \(site.region): \(image.imageId) (\(image.state))",
            advice: "remove it with: \(site.remedy) --keep s3-object, or choose another --asset-id")
    }
}

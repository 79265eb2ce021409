import AWSCore
import AWSServices
import Sandbox

/// Removing an image that is of no use, with its snapshots, which AWS would leave.
extension ImageCapture {
    /// Removes the image of the asset id, if there is one, and what is left of ones that are gone; waits until that is
    /// true.
    func remove() async throws {
        if let found = try await existing() { try await remove(found) }
        try await removeLeftovers()
    }

    func remove(_ found: FoundImage) async throws {
        let snapshots = Set(found.snapshots + (try await snapshots(of: found.id)).map(\.snapshotId))
        do {
            _ = try await site.client.call(EC2.DeregisterImage(imageId: found.id))
        } catch let error as AWSError where Self.gone.contains(error.code) {
            // Somebody was faster.
        }
        try await site.client.wait(for: "the removal of \(found.id)", at: site.pace) {
            try await look(found.id) == nil ? () : nil
        }
        for snapshot in snapshots.sorted() { try await delete(snapshot) }
    }

    /// Deletes snapshots that CreateImage has made for images of the asset id that are not there any more.
    func removeLeftovers() async throws {
        let snapshots = try await snapshotsOfImages()
        guard !snapshots.isEmpty else { return }
        let images = try await site.client.call(EC2.DescribeImages(owners: ["self"], filters: [tagFilter])).images
        let used = Set(images.flatMap(\.blockDeviceMappings).compactMap(\.ebs?.snapshotId))
        for snapshot in snapshots where !used.contains(snapshot.snapshotId) { try await delete(snapshot.snapshotId) }
    }

    /// It is in use for a moment after its image is gone.
    private func delete(_ snapshot: String) async throws {
        try await site.client.wait(for: "the removal of \(snapshot)", at: site.pace) { () -> Void? in
            do {
                _ = try await site.client.call(EC2.DeleteSnapshot(snapshotId: snapshot))
                return nil
            } catch let error as AWSError where error.code == "InvalidSnapshot.InUse" {
                return nil
            } catch let error as AWSError where error.code == "InvalidSnapshot.NotFound" {
                return ()
            }
        }
    }
}

import AWSServices

/// Removing an image that is of no use.
extension ImageCapture {
    /// Removes the image of the asset id, if there is one, and what is left of ones that are gone; waits until that is
    /// true.
    func remove() async throws {
        if let found = try await existing() { try await remove(found) }
        try await removeLeftovers()
    }

    func remove(_ found: FoundImage) async throws {
        try await images.remove(found.id, mapped: found.snapshots)
    }

    /// Deletes snapshots that CreateImage has made for images of the asset id that are not there any more.
    func removeLeftovers() async throws {
        let snapshots = try await images.snapshots([site.tagFilter]).filter(\.isMadeByCreateImage)
        guard !snapshots.isEmpty else { return }
        let used = Set(try await images.all([site.tagFilter]).flatMap(\.snapshotIDs))
        for snapshot in snapshots where !used.contains(snapshot.snapshotId) {
            try await images.remove(snapshot: snapshot.snapshotId)
        }
    }
}

extension EC2.Snapshot {
    fileprivate var isMadeByCreateImage: Bool {
        description?.contains("CreateImage(") == true && isMade(for: "ami-")
    }
}

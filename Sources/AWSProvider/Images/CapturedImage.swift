/// A sealed sandbox as an AMI of one's own, and the snapshot of its disk.
package struct CapturedImage: Sendable, Equatable {
    package var id: String
    package var name: String
    package var snapshotID: String
    /// GiB of its disk.
    package var volumeGiB: Int

    package init(id: String, name: String, snapshotID: String, volumeGiB: Int) {
        self.id = id
        self.name = name
        self.snapshotID = snapshotID
        self.volumeGiB = volumeGiB
    }
}

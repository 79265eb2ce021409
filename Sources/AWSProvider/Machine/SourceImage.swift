/// The AMI that a build machine starts from.
package struct SourceImage: Sendable, Equatable {
    package var id: String
    package var name: String
    /// Such as `/dev/sda1`.
    package var rootDeviceName: String
    /// GiB of its root volume, the least that a machine's may have.
    package var rootGiB: Int

    package init(id: String, name: String, rootDeviceName: String, rootGiB: Int) {
        self.id = id
        self.name = name
        self.rootDeviceName = rootDeviceName
        self.rootGiB = rootGiB
    }
}

/// A raw disk that has been written and checked.
package struct RawDisk: Sendable, Equatable {
    package var path: String
    /// What a machine sees: the file's length.
    package var virtualBytes: Int64
    /// What the file takes on this disk.
    package var allocatedBytes: Int64

    package init(path: String, virtualBytes: Int64, allocatedBytes: Int64) {
        self.path = path
        self.virtualBytes = virtualBytes
        self.allocatedBytes = allocatedBytes
    }
}

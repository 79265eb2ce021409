import Sandbox

/// What a disk image is, as found in the file itself.
package struct ImageInfo: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Size of the disk that a machine sees.
    package var virtualBytes: Int64
    /// Length of the file, holes included.
    package var fileBytes: Int64
    /// What the file takes on this disk.
    package var actualBytes: Int64
    /// The variant of the format: `streamOptimized`, `dynamic`, `compressed`.
    package var subformat: String?

    package init(
        format: ImageFormat, virtualBytes: Int64, fileBytes: Int64, actualBytes: Int64, subformat: String? = nil
    ) {
        self.format = format
        self.virtualBytes = virtualBytes
        self.fileBytes = fileBytes
        self.actualBytes = actualBytes
        self.subformat = subformat
    }
}

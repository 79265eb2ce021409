/// A finished file of a release.
package struct Artifact: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Path in the local bucket or URL of the object.
    package var location: String
    /// Length of the file in bytes, holes included.
    package var bytes: Int64
    /// Lower-case hexadecimal SHA-256 of the whole file; `nil` where only S3 has seen all of it and keeps another sum.
    package var sha256: String?
    /// CRC-64/NVME of the whole file, in Base64 as S3 tells it.
    package var crc64: String?

    package init(format: ImageFormat, location: String, bytes: Int64, sha256: String?, crc64: String? = nil) {
        self.format = format
        self.location = location
        self.bytes = bytes
        self.sha256 = sha256
        self.crc64 = crc64
    }
}

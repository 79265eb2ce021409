/// A finished file of a release.
package struct Artifact: Sendable, Equatable, Codable {
    package var format: ImageFormat
    /// Path in the local bucket or URL of the object.
    package var location: String
    /// Length of the file in bytes, holes included.
    package var bytes: Int64
    /// Lower-case hexadecimal SHA-256 of the whole file.
    package var sha256: String

    package init(format: ImageFormat, location: String, bytes: Int64, sha256: String) {
        self.format = format
        self.location = location
        self.bytes = bytes
        self.sha256 = sha256
    }
}

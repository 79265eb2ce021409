/// A finished layer: where its compressed archive lies and what it is called by its content.
struct Layer: Sendable, Equatable, Codable {
    /// `sha256:…` of the compressed file.
    var digest: String
    /// `sha256:…` of the archive before compression.
    var diffID: String
    var bytes: Int64
    var mediaType: String
    /// Where the file lies; another build may have put it elsewhere.
    var path: String

    var fileName: String { String(digest.drop { $0 != ":" }.dropFirst()) }
}

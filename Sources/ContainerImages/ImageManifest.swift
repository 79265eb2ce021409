/// What points to a file by its content (OCI image specification, "Content Descriptors").
struct Descriptor: Sendable, Codable, Equatable {
    var mediaType: String
    var digest: String
    var size: Int64
    var annotations: [String: String]?
}

/// The manifest of an image: its configuration and its layers.
struct ImageManifest: Sendable, Codable, Equatable {
    static let type = "application/vnd.oci.image.manifest.v1+json"
    static let configurationType = "application/vnd.oci.image.config.v1+json"

    var schemaVersion = 2
    var mediaType: String? = Self.type
    var config: Descriptor
    var layers: [Descriptor]
}

/// What an image layout has.
struct ImageIndex: Sendable, Codable, Equatable {
    var schemaVersion = 2
    var mediaType: String? = "application/vnd.oci.image.index.v1+json"
    var manifests: [Descriptor]
}

import Sandbox

/// How the layers of an image are compressed.
package enum LayerCompression: String, Sendable, Codable, CaseIterable {
    /// What every engine and registry understands.
    case gzip
    /// Smaller and several times faster; engines since 2023 (Docker 23, containerd 1.5, Podman 2) understand it.
    case zstd

    /// The OCI image specification, "Image Layer Filesystem Changeset".
    var mediaType: String { "application/vnd.oci.image.layer.v1.tar+\(rawValue)" }

    /// Reads standard input and writes standard output, the same bytes on any number of processors; pigz does so only
    /// where it has two or more.
    func command(processors: Int) -> [String] {
        switch self {
        case .gzip: ["pigz", "--no-name", "-6", "--processes", "\(max(2, processors))"]
        case .zstd: ["zstd", "--quiet", "-3", "-T\(max(1, processors))"]
        }
    }
}

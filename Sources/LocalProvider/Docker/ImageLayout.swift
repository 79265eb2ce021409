import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// An OCI image layout with one image: a folder that skopeo, umoci, Podman and containerd can read.
package struct ImageLayout: Sendable, Equatable {
    package var directory: String

    package init(directory: String) {
        self.directory = directory
    }

    func blob(_ digest: String) -> String { "\(directory)/blobs/sha256/\(digest.split(separator: ":").last ?? "")" }

    /// Writes the whole layout into a new folder.
    /// - Returns: the digest of the manifest, which identifies the image in registries.
    func write(_ configuration: ImageConfiguration, layers: [Layer], tag: String) throws -> String {
        try makeDirectory("\(directory)/blobs/sha256")
        for layer in Set(layers.map(\.digest)).sorted() {
            try linkOrCopy(layers.first { $0.digest == layer }!.path, to: blob(layer))
        }
        let config = try store(try canonicalJSON(configuration), ImageManifest.configurationType)
        let manifest = ImageManifest(
            config: config,
            layers: layers.map { Descriptor(mediaType: $0.mediaType, digest: $0.digest, size: $0.bytes) })
        var described = try store(try canonicalJSON(manifest), ImageManifest.type)
        described.annotations = ["org.opencontainers.image.ref.name": tag]
        try writeAtomically(try canonicalJSON(ImageIndex(manifests: [described])), to: "\(directory)/index.json")
        try writeAtomically(#"{"imageLayoutVersion":"1.0.0"}"#, to: "\(directory)/oci-layout")
        return described.digest
    }

    private func store(_ text: String, _ type: String) throws -> Descriptor {
        let temporary = "\(directory)/blobs/new"
        try writeAtomically(text, to: temporary)
        let digest = "sha256:\(try sha256(of: temporary))"
        try renameFile(temporary, to: blob(digest))
        return Descriptor(mediaType: type, digest: digest, size: Int64(text.utf8.count))
    }

    /// The digest of the manifest.
    package func manifestDigest() throws -> String {
        let index = try decode(ImageIndex.self, "\(directory)/index.json")
        guard let manifest = index.manifests.first else {
            throw Failure(.badData, "\(directory)/index.json names no image")
        }
        return manifest.digest
    }

    func manifest() throws -> ImageManifest { try decode(ImageManifest.self, blob(try manifestDigest())) }

    func configuration() throws -> ImageConfiguration {
        try decode(ImageConfiguration.self, blob(try manifest().config.digest))
    }

    /// Whether the content of every file matches the digest in its name.
    func isWhole() async -> Bool {
        guard let manifest = try? manifest(), let digest = try? manifestDigest() else { return false }
        let digests = Set([digest, manifest.config.digest] + manifest.layers.map(\.digest))
        return await withTaskGroup(of: Bool.self) { group in
            for digest in digests {
                group.addTask { (try? sha256(of: blob(digest))).map { "sha256:\($0)" == digest } ?? false }
            }
            return await group.allSatisfy { $0 }
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        do { return try JSONDecoder().decode(type, from: Data(try readText(path).utf8)) } catch is DecodingError {
            throw Failure(.badData, "\(path) is not part of an OCI image layout")
        }
    }
}

/// Creates a hard link, which takes no space, or copies the file if the folders are on different file systems.
private func linkOrCopy(_ path: String, to newPath: String) throws {
    if link(path, newPath) == 0 { return }
    try FileManager.default.copyItem(atPath: path, toPath: newPath)
}

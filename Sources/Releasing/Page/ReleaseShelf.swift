import AWSCore
import AWSServices
import Sandbox

/// The finished builds in the bucket, by their manifests.
package struct ReleaseShelf: Sendable {
    private let client: AWSClient
    private let bucket: String
    /// Of the definition, without a slash.
    private let prefix: String

    package init(_ client: AWSClient, bucket: String, prefix: String) {
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
    }

    package struct Contents: Sendable, Equatable {
        /// Newest first.
        package var manifests: [Manifest]
        /// What is there and cannot be shown, each in a sentence.
        package var troubles: [String]
    }

    /// The key of a file of a build.
    package func key(_ assetID: AssetID, _ name: String) -> String { assetID.key(of: name, under: prefix) }

    package func read() async throws -> Contents {
        var sizes: [String: Int] = [:]
        for try await object in client.items(of: S3.ListObjectsV2(bucket: bucket, prefix: prefix + "/")) {
            sizes[object.key] = object.size
        }
        let keys = sizes.keys.filter { key in
            key.hasSuffix("/\(Manifest.fileName)")
                && key.split(separator: "/").count == 3 + prefix.count(where: { $0 == "/" })
        }
        var contents = Contents(manifests: [], troubles: [])
        for (key, manifest) in try await manifests(keys.sorted()) {
            guard let manifest else {
                contents.troubles.append("s3://\(bucket)/\(key) is no manifest of this version of dss: left out")
                continue
            }
            contents.add(manifest) { sizes[self.key(manifest.assetID, $0)] }
        }
        contents.manifests.sort { ($1.built, $1.assetID.rawValue) < ($0.built, $0.assetID.rawValue) }
        return contents
    }

    /// The manifest of one build.
    /// - Throws: `Failure` where it is not finished.
    package func manifest(of assetID: AssetID) async throws -> Manifest {
        guard let found = try await manifests([key(assetID, Manifest.fileName)]).first, let manifest = found.manifest
        else {
            let folder = "s3://\(bucket)/\(assetID.folder(under: prefix))"
            throw Failure(
                .badData, "the asset id \(assetID) has no finished images in \(folder)",
                advice: "dss show-aws-assets --asset-id '\(assetID)'")
        }
        return manifest
    }

    private func manifests(_ keys: [String]) async throws -> [(key: String, manifest: Manifest?)] {
        try await withThrowingTaskGroup(of: (String, Manifest?)?.self) { group in
            for key in keys {
                group.addTask {
                    do {
                        let body = try await client.call(S3.GetObject(bucket: bucket, key: key)).body
                        let manifest = try? Manifest(json: String(decoding: body, as: UTF8.self))
                        // One that lies in another's folder describes files that are not there.
                        return (key, manifest.flatMap { self.key($0.assetID, Manifest.fileName) == key ? $0 : nil })
                    } catch let error as AWSError where error.code == "NoSuchKey" {
                        // Removed since it was listed.
                        return nil
                    }
                }
            }
            return try await group.compactMap { $0 }.reduce(into: []) { $0.append((key: $1.0, manifest: $1.1)) }
                .sorted { $0.key < $1.key }
        }
    }
}

extension ReleaseShelf.Contents {
    /// Leaves out files that are not as the manifest says.
    fileprivate mutating func add(_ manifest: Manifest, size: (String) -> Int?) {
        var manifest = manifest
        for file in manifest.files where size(file.name).map(Int64.init) != file.bytes {
            troubles.append("\(file.name) of \(manifest.assetID) is not in the bucket as its manifest says: left out")
        }
        manifest.files.removeAll { size($0.name).map(Int64.init) != $0.bytes }
        manifests.append(manifest)
    }
}

import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// What stands beside the images in the bucket: manifest, checksums, report. The manifest is written last and removed
/// first, so that at no time one describes other files.
package struct ImagePublication: Sendable {
    let workspace: AWSWorkspace
    let bucket: ImageBucket

    package init(_ workspace: AWSWorkspace, _ bucket: ImageBucket) {
        self.workspace = workspace
        self.bucket = bucket
    }

    package static let reportName = "build-report"

    /// The artifacts of an earlier build that are what an order would give, together with the AMI that they were made
    /// of; `nil` where something has changed, is damaged or is missing.
    /// - Parameter inputs: the hash of all that goes into the images but the password.
    package func finished(_ order: BuildOrder, inputs: String) async throws -> FinishedBuild? {
        guard let manifest = try await manifest(), manifest.fits(order, inputs: inputs),
            try await isThere(manifest.machineImage), try await areWhole(manifest.files)
        else { return nil }
        return FinishedBuild(
            artifacts: manifest.artifacts(at: url), missing: manifest.missing, machineImage: manifest.machineImage)
    }

    /// - Returns: `nil` where there is none that can be read.
    package func manifest() async throws -> Manifest? {
        do {
            let body = try await workspace.client.call(S3.GetObject(bucket: bucket.name, key: key(Manifest.fileName)))
                .body
            return try? Manifest(json: String(decoding: body, as: UTF8.self))
        } catch let error as AWSError where error.code == "NoSuchKey" {
            return nil
        }
    }

    /// Whether the report of a build stands beside the images; it is the last that a build writes.
    package func hasReport() async throws -> Bool {
        try await bucket.head(key("\(Self.reportName).json"), workspace.client) != nil
    }

    /// Removes the manifest where it describes files that are about to be replaced, and files that only it describes.
    func withdraw(for order: BuildOrder, of image: CapturedImage, making formats: [ImageFormat]) async throws {
        guard let old = try await manifest() else { return }
        let wanted = Set(order.definition.formats.map(order.imageName))
        let dropped = old.files.map(\.name).filter { !wanted.contains($0) }
        let replaced = old.files.contains { formats.contains($0.format) }
        guard old.machineImage?.id != image.id || replaced || !dropped.isEmpty else { return }
        for name in [Manifest.fileName, Manifest.checksumsFileName] + dropped {
            _ = try await workspace.client.call(S3.DeleteObject(bucket: bucket.name, key: key(name)))
        }
    }

    /// - Parameter files: in any order, all formats of the order.
    func publish(
        _ files: [Manifest.File], of order: BuildOrder, _ image: CapturedImage, missing: [MissingComponent],
        inputs: String
    ) async throws -> [Artifact] {
        let formats = order.definition.formats
        let manifest = Manifest(
            order, files: formats.compactMap { format in files.first { $0.format == format } }, missing: missing,
            inputs: inputs, built: workspace.now(),
            machineImage: MachineImage(id: image.id, name: image.name, region: workspace.region))
        try await put(Manifest.checksumsFileName, manifest.checksums, "text/plain; charset=utf-8")
        try await put(Manifest.fileName, try manifest.json, "application/json")
        return manifest.artifacts(at: url)
    }

    /// Puts the report of the build beside the images.
    package func publishReport(markdown: String, json: String) async throws {
        try await put("\(Self.reportName).md", markdown, "text/markdown; charset=utf-8")
        try await put("\(Self.reportName).json", json, "application/json")
    }

    private func put(_ name: String, _ text: String, _ contentType: String) async throws {
        var put = S3.PutObject(
            bucket: bucket.name, key: key(name), body: Array(text.utf8), contentType: contentType)
        put.cacheControl = ExportedObject.cacheControl
        _ = try await workspace.client.call(put)
    }

    private func key(_ name: String) -> String { workspace.keyPrefix + name }

    private func url(_ name: String) -> String { bucket.url(of: key(name)) }

    private func isThere(_ image: MachineImage?) async throws -> Bool {
        guard let image else { return true }
        return try await ImageCapture(workspace).look(image.id)?.state == .available
    }

    private func areWhole(_ files: [Manifest.File]) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for file in files {
                group.addTask {
                    guard let object = try await bucket.head(key(file.name), workspace.client) else { return false }
                    return file.fits(object)
                }
            }
            return try await group.allSatisfy { $0 }
        }
    }
}

extension Manifest.File {
    /// Whether an object can be this file, by all that S3 tells of it.
    fileprivate func fits(_ object: S3.HeadObject.Output) -> Bool {
        Int64(object.contentLength) == bytes
            && (sha256 == nil || object.wholeSHA256 == nil || sha256 == object.wholeSHA256)
            && (crc64 == nil || object.checksumCRC64NVME == nil || crc64 == object.checksumCRC64NVME)
    }
}

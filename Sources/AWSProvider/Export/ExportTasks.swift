import AWSCore
import AWSServices
import Sandbox

/// The tasks by which AWS exports one image, whoever began them.
struct ExportTasks: Sendable {
    let site: BuildSite
    let bucket: ImageBucket
    let image: CapturedImage

    /// AWS does not tell a task's format.
    static let formatTag = "dss-format"

    /// Where AWS puts what it exports, apart from finished images.
    var folder: String { "\(site.keyPrefix)export/" }

    func key(of task: EC2.ExportImageTask, _ format: ImageFormat) -> String {
        "\(folder)\(task.exportImageTaskId).\(format.fileExtension)"
    }

    /// All that AWS still knows of. It filters tasks by state alone.
    func all() async throws -> [EC2.ExportImageTask] {
        var found: [EC2.ExportImageTask] = []
        for try await task in site.client.items(of: EC2.DescribeExportImageTasks()) where task.imageId == image.id {
            found.append(task)
        }
        return found
    }

    /// The format of a task that a build of this asset id has begun.
    func format(_ task: EC2.ExportImageTask) -> ImageFormat? {
        let tags = Dictionary(task.tags.map { ($0.key, $0.value) }) { first, _ in first }
        guard tags[site.names.tagKey] == site.assetID.rawValue,
            task.s3ExportLocation == EC2.ExportLocation(s3Bucket: bucket.name, s3Prefix: folder)
        else { return nil }
        return tags[Self.formatTag].flatMap(ImageFormat.init)
    }

    /// - Parameter earlier: tasks of this image that are over.
    func start(_ format: ImageFormat, after earlier: [EC2.ExportImageTask]) async throws -> EC2.ExportImageTask {
        let tag = EC2.Tag(key: Self.formatTag, value: format.rawValue)
        var export = EC2.ExportImage(
            imageId: image.id, diskImageFormat: format.rawValue.uppercased(),
            s3ExportLocation: EC2.ExportLocation(s3Bucket: bucket.name, s3Prefix: folder),
            roleName: bucket.exportRole,
            tagSpecifications: site.specifications("export-image-task", tags: site.tags + [tag]))
        // The same call again is the same task, also from a run that knows nothing of this one; after that task has
        // failed, it is another.
        let words = [site.assetID.rawValue, image.id, format.rawValue] + earlier.map(\.exportImageTaskId).sorted()
        export.clientToken = String(SHA256Checksum(of: Array(words.joined(separator: " ").utf8)).hexadecimal.prefix(40))
        export.description = "\(image.name) as \(format.rawValue.uppercased())"
        return try await site.client.call(export)
    }

    /// Ends what goes on of ours, waits until it has ended, and removes what it has written.
    func cancel() async throws {
        for task in try await all() where task.isRunning && format(task) != nil {
            do {
                _ = try await site.client.call(EC2.CancelExportTask(exportTaskId: task.exportImageTaskId))
            } catch let error as AWSError where error.code == "IncorrectState" {
                // It is over, or on the way.
            }
        }
        try await site.client.wait(for: "the end of the exports of \(image.id)", at: site.pace) { () -> Void? in
            try await all().contains { $0.isRunning && format($0) != nil } ? nil : ()
        }
        try await sweep()
    }

    /// Removes what exports have left: objects that were not renamed, and copies that were not finished.
    func sweep() async throws {
        do { try await sweepBucket() } catch let error as AWSError where error.code == "NoSuchBucket" {
            // Nothing is left where the bucket is gone.
        }
    }

    private func sweepBucket() async throws {
        let uploads = S3.ListMultipartUploads(bucket: bucket.name, prefix: site.keyPrefix)
        for try await upload in site.client.items(of: uploads) where upload.isCopy {
            _ = try await site.client.call(
                S3.AbortMultipartUpload(bucket: bucket.name, key: upload.key, uploadId: upload.uploadId))
        }
        for try await object in site.client.items(of: S3.ListObjectsV2(bucket: bucket.name, prefix: folder)) {
            _ = try await site.client.call(S3.DeleteObject(bucket: bucket.name, key: object.key))
        }
    }
}

extension EC2.ExportImageTask {
    /// AWS takes no other task of the image meanwhile.
    var isRunning: Bool { !["completed", "deleted"].contains(status) }
}

extension S3.Upload {
    /// Copies inside S3 are made with this checksum, files from here with SHA-256.
    fileprivate var isCopy: Bool { checksumAlgorithm == "CRC64NVME" }
}

import AWSCore
import AWSServices
import Sandbox

/// Lets AWS write the formats into the bucket, one after the other; no byte of them comes here.
package struct VMExport: Sendable {
    /// What AWS can write.
    package static let formats: Set<ImageFormat> = [.vhd, .vmdk, .raw]

    let workspace: AWSWorkspace
    let bucket: ImageBucket
    let plan: RenamePlan

    package init(_ workspace: AWSWorkspace, _ bucket: ImageBucket, plan: RenamePlan = RenamePlan()) {
        self.workspace = workspace
        self.bucket = bucket
        self.plan = plan
    }

    private struct Exported: Sendable {
        var format: ImageFormat
        var key: String
    }

    private struct Outcome: Sendable {
        var isRenaming: Bool
        var artifacts: Result<[Artifact], any Error>
    }

    /// Goes on with tasks that an earlier run has begun. While AWS exports a format, the one before gets its final
    /// name.
    package func run(
        _ image: CapturedImage, formats: [ImageFormat], in build: BuildContext
    ) async throws -> [Artifact] {
        let scope = build.scope
        let tasks = ExportTasks(workspace: workspace, bucket: bucket, image: image)
        let keep = Retention()
        await scope.undo.register("exports of AMI \(image.id) in \(workspace.region)", remedy: workspace.remedy) {
            if !keep.isDecided { try await tasks.cancel() }
        }
        let order = try await inOrder(formats, tasks)
        let (exported, queue) = AsyncStream.makeStream(of: Exported.self)
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                Outcome(isRenaming: false, artifacts: await outcome { try await export(order, tasks, queue, scope) })
            }
            group.addTask {
                Outcome(isRenaming: true, artifacts: await outcome { try await rename(exported, image, build) })
            }
            var outcomes: [Outcome] = []
            for await next in group {
                // What is exported gets its name also where the next export fails; but where names cannot be given,
                // nobody needs another export.
                if next.isRenaming, case .failure = next.artifacts { group.cancelAll() }
                outcomes.append(next)
            }
            return outcomes
        }
        let artifacts = try outcomes.flatMap { try $0.artifacts.get() }
        try Task.checkCancellation()
        keep.decide()
        return artifacts
    }

    /// The format that AWS is at comes first: the others have to wait for it anyway.
    private func inOrder(_ formats: [ImageFormat], _ tasks: ExportTasks) async throws -> [ImageFormat] {
        let running = Set(try await tasks.all().filter(\.isRunning).compactMap(tasks.format))
        return formats.filter(running.contains) + formats.filter { !running.contains($0) }
    }

    private func export(
        _ formats: [ImageFormat], _ tasks: ExportTasks, _ queue: AsyncStream<Exported>.Continuation,
        _ scope: Scope
    ) async throws -> [Artifact] {
        defer { queue.finish() }
        for format in formats {
            let key = try await scope.activity("export \(format.rawValue)") {
                let task = try await task(for: format, tasks, scope)
                try await end(of: task, format, tasks, scope)
                return tasks.key(of: task, format)
            }
            queue.yield(Exported(format: format, key: key))
        }
        return []
    }

    /// The task that an earlier run has begun, else a new one when no other is at the image.
    private func task(
        for format: ImageFormat, _ tasks: ExportTasks, _ scope: Scope
    ) async throws -> EC2.ExportImageTask {
        let polling = workspace.polling.lasting(Self.longest)
        let (ours, earlier) = try await workspace.client.wait(for: "the end of another export", at: polling) {
            let all = try await tasks.all()
            for task in all where tasks.format(task) == format {
                if task.status == "active" { return (task as EC2.ExportImageTask?, all) }
                let isThere = try await bucket.head(tasks.key(of: task, format), workspace.client) != nil
                if task.status == "completed", isThere { return (task, all) }
            }
            guard let other = all.first(where: \.isRunning) else { return (nil, all) }
            scope.progress(.export, Progress("export \(format.rawValue): waiting for \(other.exportImageTaskId)"))
            return nil
        }
        if let ours { return ours }
        return try await tasks.start(format, after: earlier)
    }

    /// AWS takes about an hour for 100 GiB, and sets no limit itself.
    private static let longest = Duration.seconds(24 * 3600)

    private func end(
        of task: EC2.ExportImageTask, _ format: ImageFormat, _ tasks: ExportTasks, _ scope: Scope
    ) async throws {
        let id = task.exportImageTaskId
        try await workspace.client.wait(for: "export \(id)", at: workspace.polling.lasting(Self.longest)) {
            () -> Void? in
            guard let now = try await look(id) else { return nil }
            switch now.status {
            case "completed": return ()
            case "deleting", "deleted":
                throw Failure(
                    .failed,
                    "the export of AMI \(tasks.image.id) in \(workspace.region) as \(format.rawValue) failed: "
                        + (now.statusMessage ?? "AWS gives no reason"),
                    details: ["task \(id)"],
                    advice: "run the same command again, perhaps with --export-method ebs-direct")
            default:
                let doing = now.statusMessage.map { ": \($0)" } ?? ""
                let percent = now.progress.flatMap { Double($0) } ?? 0
                scope.progress(
                    .export,
                    Progress("export \(format.rawValue)\(doing)", completed: percent, total: 100, unit: .percent))
                return nil
            }
        }
    }

    /// A task that has just begun may not be known everywhere yet.
    private func look(_ id: String) async throws -> EC2.ExportImageTask? {
        do {
            return try await workspace.client.call(EC2.DescribeExportImageTasks(exportImageTaskIds: [id]))
                .exportImageTasks.first
        } catch let error as AWSError where error.code == "InvalidExportTaskID.NotFound" {
            return nil
        }
    }

    private func rename(
        _ exported: AsyncStream<Exported>, _ image: CapturedImage, _ build: BuildContext
    ) async throws -> [Artifact] {
        var artifacts: [Artifact] = []
        for await one in exported {
            let what = "rename \(one.format.rawValue)"
            let name = build.order.imageName(one.format)
            let object = try await build.scope.activity(what) {
                try await ObjectRename(workspace: workspace, bucket: bucket, plan: plan).run(
                    from: one.key, to: workspace.keyPrefix + name, metadata: ExportedObject.metadata(of: image)
                ) { done, all in
                    build.scope.progress(
                        .export, Progress(what, completed: Double(done), total: Double(all), unit: .bytes))
                }
            }
            artifacts.append(
                Artifact(
                    format: one.format, location: bucket.url(of: workspace.keyPrefix + name),
                    bytes: Int64(object.contentLength), sha256: object.wholeSHA256, crc64: object.checksumCRC64NVME))
        }
        return artifacts
    }
}

private func outcome<Value>(_ body: () async throws -> Value) async -> Result<Value, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
}

/// The tasks by which AWS exports one image, whoever began them.
struct ExportTasks: Sendable {
    let workspace: AWSWorkspace
    let bucket: ImageBucket
    let image: CapturedImage

    /// AWS does not tell a task's format.
    static let formatTag = "dss-format"

    /// Where AWS puts what it exports, apart from finished images.
    var folder: String { "\(workspace.keyPrefix)export/" }

    func key(of task: EC2.ExportImageTask, _ format: ImageFormat) -> String {
        "\(folder)\(task.exportImageTaskId).\(format.fileExtension)"
    }

    /// All that AWS still knows of. It filters tasks by state alone.
    func all() async throws -> [EC2.ExportImageTask] {
        var found: [EC2.ExportImageTask] = []
        for try await task in workspace.client.items(of: EC2.DescribeExportImageTasks()) where task.imageId == image.id
        {
            found.append(task)
        }
        return found
    }

    /// The format of a task that a build of this asset id has begun.
    func format(_ task: EC2.ExportImageTask) -> ImageFormat? {
        let tags = Dictionary(task.tags.map { ($0.key, $0.value) }) { first, _ in first }
        guard tags[workspace.names.tagKey] == workspace.assetID.rawValue,
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
            tagSpecifications: workspace.specifications("export-image-task", tags: workspace.tags + [tag]))
        // The same call again is the same task, also from a run that knows nothing of this one; after that task has
        // failed, it is another.
        let words = [workspace.assetID.rawValue, image.id, format.rawValue] + earlier.map(\.exportImageTaskId).sorted()
        export.clientToken = String(SHA256Checksum(of: Array(words.joined(separator: " ").utf8)).hexadecimal.prefix(40))
        export.description = "\(image.name) as \(format.rawValue.uppercased())"
        return try await workspace.client.call(export)
    }

    /// Ends what goes on of ours, waits until it has ended, and removes what it has written.
    func cancel() async throws {
        for task in try await all() where task.isRunning && format(task) != nil {
            do {
                _ = try await workspace.client.call(EC2.CancelExportTask(exportTaskId: task.exportImageTaskId))
            } catch let error as AWSError where error.code == "IncorrectState" {
                // It is over, or on the way.
            }
        }
        try await workspace.client.wait(for: "the end of the exports of \(image.id)", at: workspace.polling) {
            () -> Void? in
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
        let uploads = S3.ListMultipartUploads(bucket: bucket.name, prefix: workspace.keyPrefix)
        for try await upload in workspace.client.items(of: uploads) where upload.isCopy {
            _ = try await workspace.client.call(
                S3.AbortMultipartUpload(bucket: bucket.name, key: upload.key, uploadId: upload.uploadId))
        }
        for try await object in workspace.client.items(of: S3.ListObjectsV2(bucket: bucket.name, prefix: folder)) {
            _ = try await workspace.client.call(S3.DeleteObject(bucket: bucket.name, key: object.key))
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

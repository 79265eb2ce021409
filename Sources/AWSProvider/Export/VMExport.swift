import AWSCore
import AWSServices
import Sandbox

/// Lets AWS write the formats into the bucket, one after the other; no byte passes through this host.
package struct VMExport: Sendable {
    /// The formats that AWS can write.
    package static let formats: Set<ImageFormat> = [.vhd, .vmdk, .raw]

    let workspace: AWSWorkspace
    let store: S3ArtifactStore

    package init(_ workspace: AWSWorkspace, _ store: S3ArtifactStore) {
        self.workspace = workspace
        self.store = store
    }

    private struct Exported: Sendable {
        var format: ImageFormat
        var key: String
    }

    private struct Outcome: Sendable {
        var isRenaming: Bool
        var files: Result<[Manifest.File], any Error>
    }

    /// Continues tasks that an earlier run has started. While AWS exports a format, the previous one is renamed to its
    /// final name.
    func run(
        _ image: CapturedImage, formats: [ImageFormat], in build: BuildContext, replacing old: Replacement
    ) async throws -> [Manifest.File] {
        let scope = build.scope
        let tasks = ExportTasks(workspace: workspace, bucket: store.bucket, image: image)
        let keep = Retention()
        await scope.undo.register("exports of AMI \(image.id) in \(workspace.region)", remedy: workspace.remedy) {
            if !keep.isDecided { try await tasks.cancel() }
        }
        let order = try await inOrder(formats, tasks)
        let (exported, queue) = AsyncStream.makeStream(of: Exported.self)
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                Outcome(isRenaming: false, files: await outcome { try await export(order, tasks, queue, scope) })
            }
            group.addTask {
                Outcome(isRenaming: true, files: await outcome { try await rename(exported, image, build, old) })
            }
            var outcomes: [Outcome] = []
            for await next in group {
                // An exported file is renamed even if the next export fails; but if renaming fails, another export
                // is of no use.
                if next.isRenaming, case .failure = next.files { group.cancelAll() }
                outcomes.append(next)
            }
            return outcomes
        }
        let files = try outcomes.flatMap { try $0.files.get() }
        try Task.checkCancellation()
        keep.decide()
        return files
    }

    /// The format that AWS is exporting comes first: the others have to wait for it anyway.
    private func inOrder(_ formats: [ImageFormat], _ tasks: ExportTasks) async throws -> [ImageFormat] {
        let running = Set(try await tasks.all().filter(\.isRunning).compactMap(tasks.format))
        return formats.filter(running.contains) + formats.filter { !running.contains($0) }
    }

    private func export(
        _ formats: [ImageFormat], _ tasks: ExportTasks, _ queue: AsyncStream<Exported>.Continuation,
        _ scope: Scope
    ) async throws -> [Manifest.File] {
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

    /// The task that an earlier run has started, else a new one as soon as no other task uses the image.
    private func task(
        for format: ImageFormat, _ tasks: ExportTasks, _ scope: Scope
    ) async throws -> EC2.ExportImageTask {
        let polling = workspace.polling.lasting(Self.longest)
        let (ours, earlier) = try await workspace.client.wait(for: "another export to end", at: polling) {
            let all = try await tasks.all()
            for task in all where tasks.format(task) == format {
                if task.status == "active" { return (task as EC2.ExportImageTask?, all) }
                let isThere = try await store.object(tasks.key(of: task, format)) != nil
                if task.status == "completed", isThere { return (task, all) }
            }
            guard let other = all.first(where: \.isRunning) else { return (nil, all) }
            scope.progress(.export, Progress("export \(format.rawValue): waiting for \(other.exportImageTaskId)"))
            return nil
        }
        if let ours { return ours }
        return try await tasks.start(format, after: earlier)
    }

    /// AWS takes about an hour for 100 GiB, and has no limit of its own.
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
                        + (now.statusMessage ?? "AWS gave no reason"),
                    details: ["task \(id)"],
                    advice: "run the same command again, or try --export-method ebs-direct")
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

    /// A new task may not be visible everywhere yet.
    private func look(_ id: String) async throws -> EC2.ExportImageTask? {
        do {
            return try await workspace.client.call(EC2.DescribeExportImageTasks(exportImageTaskIds: [id]))
                .exportImageTasks.first
        } catch let error as AWSError where error.code == "InvalidExportTaskID.NotFound" {
            return nil
        }
    }

    private func rename(
        _ exported: AsyncStream<Exported>, _ image: CapturedImage, _ build: BuildContext, _ old: Replacement
    ) async throws -> [Manifest.File] {
        var files: [Manifest.File] = []
        for await one in exported {
            let what = "rename \(one.format.rawValue)"
            let name = build.order.imageName(one.format)
            let object = try await build.scope.activity(what) {
                try await old.begin(name)
                return try await ObjectRename(store: store).run(
                    from: one.key, to: workspace.keyPrefix + name, metadata: ExportedObject.metadata(of: image)
                ) { done, all in
                    build.scope.progress(
                        .export, Progress(what, completed: Double(done), total: Double(all), unit: .bytes))
                }
            }
            files.append(
                Manifest.File(
                    name: name, format: one.format, bytes: Int64(object.contentLength), sha256: object.wholeSHA256,
                    crc64: object.checksumCRC64NVME))
        }
        return files
    }
}

private func outcome<Value>(_ body: () async throws -> Value) async -> Result<Value, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
}

/// The tasks that export one image, whoever started them.
struct ExportTasks: Sendable {
    let workspace: AWSWorkspace
    let bucket: ImageBucket
    let image: CapturedImage

    /// AWS does not report the format of a task.
    static let formatTag = "dss-format"

    /// Where AWS puts exported files, separate from finished images.
    var folder: String { "\(workspace.keyPrefix)export/" }

    func key(of task: EC2.ExportImageTask, _ format: ImageFormat) -> String {
        folder + format.fileName(task.exportImageTaskId)
    }

    /// All tasks that AWS still lists. It filters tasks only by state.
    func all() async throws -> [EC2.ExportImageTask] {
        var found: [EC2.ExportImageTask] = []
        for try await task in workspace.client.items(of: EC2.DescribeExportImageTasks()) where task.imageId == image.id
        {
            found.append(task)
        }
        return found
    }

    /// The format of a task that a build of this asset id has started.
    func format(_ task: EC2.ExportImageTask) -> ImageFormat? {
        let tags = Dictionary(task.tags.map { ($0.key, $0.value) }) { first, _ in first }
        guard tags[workspace.names.tagKey] == workspace.assetID.rawValue,
            task.s3ExportLocation == EC2.ExportLocation(s3Bucket: bucket.name, s3Prefix: folder)
        else { return nil }
        return tags[Self.formatTag].flatMap(ImageFormat.init)
    }

    /// - Parameter earlier: tasks of this image that have ended.
    func start(_ format: ImageFormat, after earlier: [EC2.ExportImageTask]) async throws -> EC2.ExportImageTask {
        let tag = EC2.Tag(key: Self.formatTag, value: format.rawValue)
        var export = EC2.ExportImage(
            imageId: image.id, diskImageFormat: format.rawValue.uppercased(),
            s3ExportLocation: EC2.ExportLocation(s3Bucket: bucket.name, s3Prefix: folder),
            roleName: bucket.exportRole,
            tagSpecifications: workspace.specifications("export-image-task", tags: workspace.tags + [tag]))
        // Repeating the call gives the same task, also in a run that knows nothing of this one; after that task has
        // failed, it gives a new one.
        let words = [workspace.assetID.rawValue, image.id, format.rawValue] + earlier.map(\.exportImageTaskId).sorted()
        export.clientToken = String(SHA256Checksum(of: Array(words.joined(separator: " ").utf8)).hexadecimal.prefix(40))
        export.description = "\(image.name) as \(format.rawValue.uppercased())"
        return try await workspace.client.call(export)
    }

    /// Cancels our running tasks, waits until they have ended, and deletes what they have written.
    func cancel() async throws {
        for task in try await all() where task.isRunning && format(task) != nil {
            do {
                _ = try await workspace.client.call(EC2.CancelExportTask(exportTaskId: task.exportImageTaskId))
            } catch let error as AWSError where error.code == "IncorrectState" {
                // It has ended, or is about to.
            }
        }
        try await workspace.client.wait(for: "the exports of \(image.id) to end", at: workspace.polling) {
            () -> Void? in
            try await all().contains { $0.isRunning && format($0) != nil } ? nil : ()
        }
        try await sweep()
    }

    /// Deletes leftovers of exports: objects that were not renamed, and unfinished copies.
    func sweep() async throws {
        do { try await sweepBucket() } catch let error as AWSError where error.code == "NoSuchBucket" {
            // Without a bucket, nothing is left.
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
    /// AWS accepts no other task for the image while one runs.
    var isRunning: Bool { !["completed", "deleted"].contains(status) }
}

extension S3.Upload {
    /// Copies inside S3 use this checksum, uploads from this host use SHA-256.
    fileprivate var isCopy: Bool { checksumAlgorithm == "CRC64NVME" }
}

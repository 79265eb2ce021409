import AWSCore
import AWSServices

/// How each kind is removed, and how one sees that it is gone.
extension Removal {
    func remove(_ asset: AWSAsset) async throws -> [Leftover] {
        let client = client.region(asset.region)
        switch asset.kind {
        case .exportTask: try await cancel(asset, client)
        case .build: try await stop(asset, client)
        case .stack: try await delete(asset, client)
        case .instance: try await terminate(asset, client)
        case .ami: _ = try await client.call(EC2.DeregisterImage(imageId: asset.id))
        case .snapshot: _ = try await client.call(EC2.DeleteSnapshot(snapshotId: asset.id))
        case .keyPair: _ = try await client.call(EC2.DeleteKeyPair(keyPairId: asset.id))
        case .upload:
            _ = try await client.call(
                S3.AbortMultipartUpload(
                    bucket: asset.bucket?.name ?? "", key: asset.name ?? "", uploadId: asset.id))
        case .s3Object: return try await remove(objects: [asset])
        case .resource: break  // It goes with its stack.
        }
        return []
    }

    /// Of one bucket.
    func remove(objects: [AWSAsset]) async throws -> [Leftover] {
        guard let first = objects.first, let bucket = first.bucket else { return [] }
        let answer = try await client.region(first.region).call(
            S3.DeleteObjects(bucket: bucket.name, objects: objects.map(\.target)))
        let errors = Dictionary(
            answer.errors.map { (S3.DeleteObjects.Target(key: $0.key ?? "", versionId: $0.versionId), $0) }
        ) { first, _ in first }
        return objects.compactMap { object in
            errors[object.target].map {
                Leftover(asset: object, reason: "S3 DeleteObjects failed with \($0.code ?? "?"): \($0.message ?? "")")
            }
        }
    }

    private func cancel(_ task: AWSAsset, _ client: AWSClient) async throws {
        do {
            _ = try await client.call(EC2.CancelExportTask(exportTaskId: task.id))
        } catch let error as AWSError where error.code == "IncorrectState" {
            // It has ended by itself, or is on the way.
        }
        try await client.wait(for: "the end of \(task.id)", at: pace) {
            let tasks = try await client.call(EC2.DescribeExportImageTasks(exportImageTaskIds: [task.id]))
            let status = tasks.exportImageTasks.first?.status
            return status == nil || ["completed", "deleted"].contains(status) ? () : nil
        }
    }

    private func stop(_ build: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(CodeBuild.StopBuild(id: build.id))
        try await client.wait(for: "the end of \(build.id)", at: pace) {
            let found = try await client.call(CodeBuild.BatchGetBuilds(ids: [build.id])).builds?.first
            return found?.buildStatus == "IN_PROGRESS" ? nil : ()
        }
    }

    func terminate(_ instance: AWSAsset, _ client: AWSClient) async throws {
        _ = try await client.call(EC2.TerminateInstances(instanceIds: [instance.id]))
        try await client.wait(for: "the end of \(instance.id)", at: pace) {
            let search = EC2.DescribeInstances(filters: [.init(name: "instance-id", values: [instance.id])])
            let found = try await client.call(search).reservations.first?.instances.first
            return found == nil || found?.state.name == "terminated" ? () : nil
        }
    }
}

extension AWSAsset {
    fileprivate var target: S3.DeleteObjects.Target { .init(key: id, versionId: version) }
}

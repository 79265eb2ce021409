import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox
import Workbench

/// Removes assets on AWS.
extension AWSAssets: AssetInventory {
    package static let removalOrder: [Set<Asset.Kind>] = [
        [.exportTask, .build], [.stack, .instance], [.ami, .keyPair], [.snapshot], [.upload], [.s3Object],
    ]

    /// Maximum number of objects that S3 removes in one call.
    private static let keysAtOnce = 1000

    /// Groups the objects of each bucket; all other assets are removed one by one.
    package func batches(of wave: [Asset]) -> [[Asset]] {
        let objects = Dictionary(grouping: wave.filter { $0.kind == .s3Object }) { $0.bucket?.name ?? "" }.values
        return wave.filter { $0.kind != .s3Object }.map { [$0] }
            + objects.flatMap { objects in
                stride(from: 0, to: objects.count, by: Self.keysAtOnce).map { start in
                    Array(objects[start..<min(start + Self.keysAtOnce, objects.count)])
                }
            }
    }

    package func remove(_ batch: [Asset]) async throws -> [Leftover] {
        do {
            if batch.first?.kind == .s3Object { return try await remove(objects: batch) }
            for asset in batch { try await remove(asset) }
        } catch let error as AWSError where Self.gone.contains(error.code) {}
        return []
    }

    /// Error codes of AWS for resources that no longer exist.
    private static let gone: Set = [
        "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound", "InvalidInstanceID.NotFound",
        "InvalidKeyPair.NotFound", "InvalidExportTaskID.NotFound", "NoSuchUpload", "NoSuchBucket",
    ]

    package func manualCommand(for asset: Asset) -> String { asset.removalCommand }
}

/// Removes each kind of asset, and waits until it is gone where that takes time.
extension AWSAssets {
    private func remove(_ asset: Asset) async throws {
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
        default: break  // Resources are removed with their stack, and objects in batches.
        }
    }

    /// Removes objects of a single bucket.
    private func remove(objects: [Asset]) async throws -> [Leftover] {
        guard let first = objects.first, let bucket = first.bucket else { return [] }
        let answer = try await client.region(first.region).call(
            S3.DeleteObjects(bucket: bucket.name, objects: objects.map(\.target)))
        let errors = Dictionary(
            answer.errors.map { (S3.DeleteObjects.Target(key: $0.key ?? "", versionId: $0.versionId), $0) }
        ) { first, _ in first }
        return objects.compactMap { object in
            errors[object.target].map {
                Leftover(object, reason: "S3 DeleteObjects failed with \($0.code ?? "?"): \($0.message ?? "")")
            }
        }
    }

    private func cancel(_ task: Asset, _ client: AWSClient) async throws {
        do {
            _ = try await client.call(EC2.CancelExportTask(exportTaskId: task.id))
        } catch let error as AWSError where error.code == "IncorrectState" {
            // The task has already ended, or is about to end.
        }
        try await client.wait(for: "the end of \(task.id)", at: polling) {
            let tasks = try await client.call(EC2.DescribeExportImageTasks(exportImageTaskIds: [task.id]))
            let status = tasks.exportImageTasks.first?.status
            return status == nil || ["completed", "deleted"].contains(status) ? () : nil
        }
    }

    private func stop(_ build: Asset, _ client: AWSClient) async throws {
        _ = try await client.call(CodeBuild.StopBuild(id: build.id))
        try await client.wait(for: "the end of \(build.id)", at: polling) {
            let found = try await client.call(CodeBuild.BatchGetBuilds(ids: [build.id])).builds?.first
            return found?.buildStatus == "IN_PROGRESS" ? nil : ()
        }
    }

    func terminate(_ instance: Asset, _ client: AWSClient) async throws {
        _ = try await client.call(EC2.TerminateInstances(instanceIds: [instance.id]))
        try await client.wait(for: "the end of \(instance.id)", at: polling) {
            let search = EC2.DescribeInstances(filters: [.init(name: "instance-id", values: [instance.id])])
            let found = try await client.call(search).reservations.first?.instances.first
            return found == nil || found?.state.name == "terminated" ? () : nil
        }
    }
}

extension Asset {
    fileprivate var target: S3.DeleteObjects.Target { .init(key: id, versionId: version) }
}

/// Deletes stacks, including the instances that block their deletion.
extension AWSAssets {
    /// Deletes a stack. If instances block the deletion, terminates them and tries once more.
    func delete(_ stack: Asset, _ client: AWSClient) async throws {
        do { try await deleteOnce(stack, client) } catch let stays as StackStays {
            let machines = stays.parts.filter { $0.resourceType == "AWS::EC2::Instance" }
                .compactMap(\.physicalResourceId)
            guard !machines.isEmpty else { throw stays }
            for machine in machines {
                let part = Asset(.instance, in: stack.region, assetID: stack.assetID, id: machine, state: "")
                do { try await terminate(part, client) } catch is AWSError { throw stays }
            }
            try await deleteOnce(stack, client)
        }
    }

    private func deleteOnce(_ stack: Asset, _ client: AWSClient) async throws {
        _ = try await client.call(CloudFormation.DeleteStack(stackName: stack.id))
        try await client.wait(for: "the deletion of \(stack.id)", at: polling) {
            let found: CloudFormation.Stack?
            do {
                found = try await client.call(CloudFormation.DescribeStacks(stackName: stack.id)).stacks.first
            } catch let error as AWSError where error.code == "ValidationError" {
                return ()
            }
            switch found?.stackStatus {
            case nil, "DELETE_COMPLETE": return ()
            case "DELETE_FAILED":
                throw StackStays(parts: try await failedParts(of: stack, client), reason: found?.stackStatusReason)
            default: return nil
            }
        }
    }

    /// The resources whose deletion failed in the last attempt.
    private func failedParts(of stack: Asset, _ client: AWSClient) async throws -> [CloudFormation.StackEvent] {
        var events: [CloudFormation.StackEvent] = []
        for try await event in client.items(of: CloudFormation.DescribeStackEvents(stackName: stack.id)) {
            events.append(event)
        }
        return StackFailure.lastChange(in: events).filter {
            $0.resourceStatus == "DELETE_FAILED" && !$0.isOfTheStack && !$0.isFollower
        }
    }
}

/// A stack could not be deleted.
private struct StackStays: Error, CustomStringConvertible {
    var parts: [CloudFormation.StackEvent]
    var reason: String?

    /// The resources that could not be deleted, with the reasons from AWS.
    var description: String {
        let lines = parts.map {
            "\($0.resourceType ?? "") \($0.physicalResourceId ?? $0.logicalResourceId ?? ""): "
                + ($0.resourceStatusReason ?? "AWS gives no reason")
        }
        let reasons = lines.isEmpty ? reason.map { [$0] } ?? [] : lines
        return "the stack is DELETE_FAILED" + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: "; "))
    }
}

extension Asset {
    /// The AWS CLI command that removes the asset, to copy and paste.
    var removalCommand: String {
        let words: [String] =
            switch kind {
            case .stack, .resource: ["cloudformation", "delete-stack", "--stack-name", stackName]
            case .instance: ["ec2", "terminate-instances", "--instance-ids", id]
            case .ami: ["ec2", "deregister-image", "--image-id", id]
            case .snapshot: ["ec2", "delete-snapshot", "--snapshot-id", id]
            case .exportTask: ["ec2", "cancel-export-task", "--export-task-id", id]
            case .keyPair: ["ec2", "delete-key-pair", "--key-pair-id", id]
            case .s3Object where version != nil:
                [
                    "s3api", "delete-object", "--bucket", bucket?.name ?? "", "--key", id, "--version-id",
                    version ?? "",
                ]
            case .s3Object: ["s3", "rm", "s3://\(bucket?.name ?? "")/\(id)"]
            case .upload:
                [
                    "s3api", "abort-multipart-upload", "--bucket", bucket?.name ?? "", "--key", name ?? "",
                    "--upload-id", id,
                ]
            case .build: ["codebuild", "stop-build", "--id", id]
            default: []
            }
        return (["aws"] + words + ["--region", region]).map(shellQuoted).joined(separator: " ")
    }

    private var stackName: String { kind == .resource ? parent ?? "" : id }
}

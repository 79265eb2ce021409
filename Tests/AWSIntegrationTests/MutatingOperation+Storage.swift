import AWSCore
import AWSServices
import AWSTestSupport
import Foundation

extension MutatingOperation {
    static func bucket(_ client: AWSClient, _ name: String) async throws -> String {
        let bucket = name.lowercased()
        _ = try await client.call(CreateBucket(bucket: bucket, region: client.region))
        return bucket
    }

    static func put(_ client: AWSClient, _ bucket: String, _ key: String) async throws {
        _ = try await client.call(S3.PutObject(bucket: bucket, key: key, body: Array("bytes".utf8)))
    }

    private static func objects(_ client: AWSClient, _ bucket: String, _ prefix: String = "") async throws -> Int {
        try await client.all(S3.ListObjectsV2(bucket: bucket, prefix: prefix)).count
    }

    private static let part = [UInt8](repeating: 3, count: 5 << 20)

    private static func upload(_ client: AWSClient, _ bucket: String) async throws -> String {
        try await client.call(S3.CreateMultipartUpload(bucket: bucket, key: "key")).uploadId
    }

    static let objects = [
        MutatingOperation("s3", "PutObject") { client, name in
            let bucket = try await bucket(client, name)
            return Trial {
                try await put(client, bucket, "a b/ü+")
            } count: {
                try await objects(client, bucket)
            }
        },
        MutatingOperation("s3", "DeleteObject") { client, name in
            let bucket = try await bucket(client, name)
            try await put(client, bucket, "a b/ü+")
            return Trial {
                _ = try await client.call(S3.DeleteObject(bucket: bucket, key: "a b/ü+"))
            } count: {
                1 - (try await objects(client, bucket))
            }
        },
        MutatingOperation("s3", "DeleteObjects") { client, name in
            let bucket = try await bucket(client, name)
            try await put(client, bucket, "<&>\"'")
            return Trial {
                let output = try await client.call(S3.DeleteObjects(bucket: bucket, keys: ["<&>\"'"]))
                guard output.errors.isEmpty else { throw UnexpectedResponse("\(output.errors)") }
            } count: {
                1 - (try await objects(client, bucket))
            }
        },
        MutatingOperation("s3", "CopyObject") { client, name in
            let bucket = try await bucket(client, name)
            try await put(client, bucket, "from here+")
            return Trial {
                _ = try await client.call(
                    S3.CopyObject(from: .init(bucket: bucket, key: "from here+"), bucket: bucket, key: "to"))
            } count: {
                try await objects(client, bucket, "to")
            }
        },
    ]

    static let uploads = [
        MutatingOperation("s3", "CreateMultipartUpload") { client, name in
            let bucket = try await bucket(client, name)
            return Trial {
                _ = try await upload(client, bucket)
            } count: {
                try await client.all(S3.ListMultipartUploads(bucket: bucket)).count
            }
        },
        MutatingOperation("s3", "UploadPart") { client, name in
            let bucket = try await bucket(client, name)
            let id = try await upload(client, bucket)
            return Trial {
                _ = try await client.call(
                    S3.UploadPart(bucket: bucket, key: "key", uploadId: id, partNumber: 1, body: part))
            } count: {
                try await client.all(S3.ListParts(bucket: bucket, key: "key", uploadId: id)).count
            }
        },
        MutatingOperation("s3", "UploadPartCopy") { client, name in
            let bucket = try await bucket(client, name)
            let id = try await upload(client, bucket)
            try await put(client, bucket, "from")
            return Trial {
                _ = try await client.call(
                    S3.UploadPartCopy(
                        from: .init(bucket: bucket, key: "from"), range: nil, bucket: bucket, key: "key", partNumber: 1,
                        uploadId: id))
            } count: {
                try await client.all(S3.ListParts(bucket: bucket, key: "key", uploadId: id)).count
            }
        },
        MutatingOperation("s3", "CompleteMultipartUpload") { client, name in
            let bucket = try await bucket(client, name)
            let id = try await upload(client, bucket)
            let sent = try await client.call(
                S3.UploadPart(bucket: bucket, key: "key", uploadId: id, partNumber: 1, body: part))
            return Trial {
                _ = try await client.call(
                    S3.CompleteMultipartUpload(
                        bucket: bucket, key: "key", uploadId: id, parts: [.init(partNumber: 1, eTag: sent.eTag)]))
            } count: {
                try await objects(client, bucket)
            }
        },
        MutatingOperation("s3", "AbortMultipartUpload") { client, name in
            let bucket = try await bucket(client, name)
            let id = try await upload(client, bucket)
            return Trial {
                _ = try await client.call(S3.AbortMultipartUpload(bucket: bucket, key: "key", uploadId: id))
            } count: {
                1 - (try await client.all(S3.ListMultipartUploads(bucket: bucket)).count)
            }
        },
    ]

    static let blocks = [
        MutatingOperation("ebs", "StartSnapshot") { client, name in
            Trial {
                _ = try await client.call(
                    EBS.StartSnapshot(volumeSize: 1, description: name, tags: [.init(key: "trial", value: name)]))
            } count: {
                let search = EC2.DescribeSnapshots(filters: [.init(name: "tag:trial", values: [name])])
                return try await client.all(search).count
            }
        },
        MutatingOperation("ebs", "PutSnapshotBlock") { client, _ in
            let snapshot = try await client.call(EBS.StartSnapshot(volumeSize: 1)).snapshotId
            return Trial {
                _ = try await client.call(
                    EBS.PutSnapshotBlock(
                        snapshotId: snapshot, blockIndex: 1, blockData: [UInt8](repeating: 9, count: EBS.blockSize)))
            } count: {
                // Only a complete snapshot can be read, and it completes only with as many blocks as it has.
                let complete = EBS.CompleteSnapshot(snapshotId: snapshot, changedBlocksCount: 1)
                guard try await !client.isMissing(complete) else { return 0 }
                return try await client.all(EBS.ListSnapshotBlocks(snapshotId: snapshot)).count
            }
        },
        MutatingOperation("ebs", "CompleteSnapshot") { client, _ in
            let snapshot = try await client.call(EBS.StartSnapshot(volumeSize: 1)).snapshotId
            return Trial {
                _ = try await client.call(EBS.CompleteSnapshot(snapshotId: snapshot, changedBlocksCount: 0))
            } count: {
                let found = try await client.call(EC2.DescribeSnapshots(snapshotIds: [snapshot]))
                return found.snapshots.first?.state == "completed" ? 1 : 0
            }
        },
    ]

    static let exports = [
        MutatingOperation("ec2", "ExportImage") { client, name in
            let (image, bucket) = try await exportable(client, name)
            return Trial {
                try await export(client, image, bucket)
            } count: {
                try await tasks(client, image).count
            }
        },
        MutatingOperation("ec2", "CancelExportTask") { client, name in
            let (image, bucket) = try await exportable(client, name)
            try await export(client, image, bucket)
            let task = try await tasks(client, image)[0].exportImageTaskId
            return Trial {
                _ = try await client.call(EC2.CancelExportTask(exportTaskId: task))
            } count: {
                try await tasks(client, image).count { $0.status != "active" }
            }
        },
    ]

    private static func exportable(_ client: AWSClient, _ name: String) async throws -> (String, String) {
        try await client.ensure(vmImport)
        return (try await client.makeImage(name), try await bucket(client, name))
    }

    private static func export(_ client: AWSClient, _ image: String, _ bucket: String) async throws {
        _ = try await client.call(
            EC2.ExportImage(
                imageId: image, diskImageFormat: "VMDK", s3ExportLocation: .init(s3Bucket: bucket, s3Prefix: "x/"),
                roleName: vmImport.roleName,
                tagSpecifications: [specification("export-image-task")]))
    }

    private static func tasks(_ client: AWSClient, _ image: String) async throws -> [EC2.ExportImageTask] {
        try await client.all(EC2.DescribeExportImageTasks()).filter { $0.imageId == image }
    }
}

import AWSCore
import AWSServices

/// Objects in the bucket of images, and uploads into it that were not finished.
extension RegionSearch {
    func stored(in bucket: AssetBucket?) async throws -> [AWSAsset] {
        guard let bucket else { return [] }
        do {
            async let objects = wants(.s3Object) ? objects(in: bucket) : []
            let uploads = wants(.upload) ? try await uploads(in: bucket) : []
            return try await objects + uploads
        } catch let error as AWSError where error.code == "NoSuchBucket" {
            return []  // The stack is there, and somebody has removed its bucket.
        }
    }

    private func objects(in bucket: AssetBucket) async throws -> [AWSAsset] {
        let versioning = try await client.call(S3.GetBucketVersioning(bucket: bucket.name))
        return versioning.status == nil ? try await plainObjects(in: bucket) : try await versions(in: bucket)
    }

    private func versions(in bucket: AssetBucket) async throws -> [AWSAsset] {
        try await assets(S3.ListObjectVersions(bucket: bucket.name, prefix: rules.keyPrefix)) { entry in
            rules.owner(ofKey: entry.key).map { AWSAsset(entry, in: region, of: $0, bucket, prices) }
        }
    }

    private func plainObjects(in bucket: AssetBucket) async throws -> [AWSAsset] {
        try await assets(S3.ListObjectsV2(bucket: bucket.name, prefix: rules.keyPrefix)) { object in
            rules.owner(ofKey: object.key).map { AWSAsset(object, in: region, of: $0, bucket, prices) }
        }
    }

    private func uploads(in bucket: AssetBucket) async throws -> [AWSAsset] {
        let uploads = try await all(S3.ListMultipartUploads(bucket: bucket.name, prefix: rules.keyPrefix))
        return try await withThrowingTaskGroup(of: AWSAsset?.self) { group in
            for upload in uploads {
                guard let owner = rules.owner(ofKey: upload.key) else { continue }
                group.addTask {
                    let bytes = try await bytes(of: upload, in: bucket.name)
                    return bytes.map { AWSAsset(upload, bytes: $0, in: region, of: owner, bucket, prices, at: now) }
                }
            }
            return try await group.reduce(into: []) { if let upload = $1 { $0.append(upload) } }
        }
    }

    /// What its parts take up; `nil` where it was finished or dropped meanwhile.
    private func bytes(of upload: S3.Upload, in bucket: String) async throws -> Int64? {
        do {
            var bytes: Int64 = 0
            for try await part in client.items(
                of: S3.ListParts(bucket: bucket, key: upload.key, uploadId: upload.uploadId))
            {
                bytes += Int64(part.size)
            }
            return bytes
        } catch let error as AWSError where error.code == "NoSuchUpload" {
            return nil
        }
    }
}

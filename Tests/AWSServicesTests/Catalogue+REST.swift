import AWSCore
import AWSServices
import Foundation

/// Operations that encode their requests themselves: a value with every member, and botocore's parameters for it.
extension Catalogue {
    static let block = [UInt8](repeating: 7, count: 64)
    static let blockChecksum = EBS.checksum(of: block)
    static let bytes: [String: String] = ["$bytes": Data(block).base64EncodedString()]

    static let ebs: [OperationSample] = [
        OperationSample(
            EBS.PutSnapshotBlock(snapshotId: "snap-1/é", blockIndex: 3, blockData: block),
            [
                "SnapshotId": "snap-1/é", "BlockIndex": 3, "BlockData": bytes, "DataLength": 64,
                "Checksum": blockChecksum, "ChecksumAlgorithm": "SHA256",
            ], set: ["Checksum": blockChecksum]),
        OperationSample(
            EBS.CompleteSnapshot(snapshotId: "snap-1", changedBlocksCount: 4, checksum: "c3Vt"),
            [
                "SnapshotId": "snap-1", "ChangedBlocksCount": 4, "Checksum": "c3Vt", "ChecksumAlgorithm": "SHA256",
                "ChecksumAggregationMethod": "LINEAR",
            ]),
        OperationSample(
            with(EBS.ListSnapshotBlocks(snapshotId: "snap-1")) {
                $0.nextToken = "next é+/="
                $0.maxResults = 500
                $0.startingBlockIndex = 6
            },
            ["SnapshotId": "snap-1", "NextToken": "next é+/=", "MaxResults": 500, "StartingBlockIndex": 6]),
        OperationSample(
            EBS.GetSnapshotBlock(snapshotId: "snap-1", blockIndex: 3, blockToken: "token+/="),
            ["SnapshotId": "snap-1", "BlockIndex": 3, "BlockToken": "token+/="],
            set: ["BlockData": bytes["$bytes"]!, "Checksum": blockChecksum]),
    ]

    static let cloudFront: [OperationSample] = [
        OperationSample(
            with(CloudFront.CreateInvalidation(distributionId: "E1", paths: ["/index.html", "/é&<*"])) {
                $0.callerReference = "reference"
            },
            [
                "DistributionId": "E1",
                "InvalidationBatch": [
                    "Paths": ["Quantity": 2, "Items": ["/index.html", "/é&<*"]], "CallerReference": "reference",
                ],
            ]),
        OperationSample(
            CloudFront.GetInvalidation(distributionId: "E1", id: "I2"), ["DistributionId": "E1", "Id": "I2"]),
    ]

    static let logins: [OperationSample] = [
        OperationSample(
            SSO.GetRoleCredentials(roleName: "a role", accountId: "123456789012", accessToken: "token+/="),
            ["roleName": "a role", "accountId": "123456789012", "accessToken": "token+/="]),
        OperationSample(
            SSOOIDC.CreateToken(
                clientId: "id", clientSecret: "secret", grantType: "refresh_token", refreshToken: "token+/="),
            ["clientId": "id", "clientSecret": "secret", "grantType": "refresh_token", "refreshToken": "token+/="]),
    ]

    static let tag: [String: String] = ["ETag": "\"0123456789abcdef0123456789abcdef\""]

    static let s3Objects: [OperationSample] = [
        OperationSample(S3.HeadBucket(bucket: "bucket"), ["Bucket": "bucket"]),
        OperationSample(
            S3.HeadObject(bucket: "bucket", key: key, checksumMode: "ENABLED"),
            ["Bucket": "bucket", "Key": key, "ChecksumMode": "ENABLED"], set: tag),
        OperationSample(
            S3.GetObject(bucket: "bucket", key: key),
            ["Bucket": "bucket", "Key": key, "ChecksumMode": "ENABLED"],
            set: [
                "ETag": "\"0123456789abcdef0123456789abcdef\"", "Body": Data(block).base64EncodedString(),
                "ChecksumCRC64NVME": CRC64NVME(of: block).base64, "ChecksumSHA256": SHA256Checksum(of: block).base64,
            ]),
        OperationSample(
            with(S3.PutObject(bucket: "bucket", key: key, body: block, contentType: "text/plain")) {
                $0.cacheControl = "no-cache"
                $0.checksumCRC64NVME = "Y3Jj"
                $0.checksumSHA256 = "c2hh"
                $0.ifNoneMatch = "*"
                $0.metadata = ["color": "blue", "size": "large"]
            },
            [
                "Bucket": "bucket", "Key": key, "Body": bytes, "ContentType": "text/plain", "CacheControl": "no-cache",
                "ChecksumCRC64NVME": "Y3Jj", "ChecksumSHA256": "c2hh", "IfNoneMatch": "*",
                "Metadata": ["color": "blue", "size": "large"],
            ], set: tag),
        OperationSample(S3.DeleteObject(bucket: "bucket", key: key), ["Bucket": "bucket", "Key": key]),
        OperationSample(
            S3.DeleteObjects(bucket: "bucket", objects: [.init(key: key, versionId: "v+/1"), .init(key: "a&b")]),
            ["Bucket": "bucket", "Delete": ["Objects": [["Key": key, "VersionId": "v+/1"], ["Key": "a&b"]]]],
            extraHeaders: ["x-amz-checksum-sha256"], root: "DeleteResult"),
        OperationSample(
            with(
                S3.CopyObject(
                    from: .init(bucket: "other", key: key), bucket: "bucket", key: "copy", copySourceIfMatch: "\"tag\"")
            ) {
                $0.cacheControl = "no-cache"
                $0.checksumAlgorithm = "CRC64NVME"
                $0.contentType = "text/plain"
                $0.metadata = ["color": "blue"]
                $0.metadataDirective = "REPLACE"
            },
            [
                "Bucket": "bucket", "Key": "copy", "CopySource": "other/\(encodedKey)", "CopySourceIfMatch": "\"tag\"",
                "CacheControl": "no-cache", "ChecksumAlgorithm": "CRC64NVME", "ContentType": "text/plain",
                "Metadata": ["color": "blue"], "MetadataDirective": "REPLACE",
            ]),
    ]

    /// A key with all characters that are difficult to encode.
    static let key = "folder/a key+é&<=%41~'.vmdk"
    static let encodedKey = "folder/a%20key%2B%C3%A9%26%3C%3D%2541~%27.vmdk"

    static func with<O>(_ operation: O, _ change: (inout O) -> Void) -> O {
        var operation = operation
        change(&operation)
        return operation
    }
}

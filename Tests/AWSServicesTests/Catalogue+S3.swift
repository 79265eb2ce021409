import AWSCore
import AWSServices

extension Catalogue {
    static let s3Uploads: [OperationSample] = [
        OperationSample(
            with(
                S3.CreateMultipartUpload(
                    bucket: "bucket", key: key, contentType: "text/plain", checksumAlgorithm: "CRC64NVME",
                    checksumType: "FULL_OBJECT")
            ) {
                $0.cacheControl = "no-cache"
                $0.metadata = ["color": "blue"]
            },
            [
                "Bucket": "bucket", "Key": key, "ContentType": "text/plain", "ChecksumAlgorithm": "CRC64NVME",
                "ChecksumType": "FULL_OBJECT", "CacheControl": "no-cache", "Metadata": ["color": "blue"],
            ], root: "InitiateMultipartUploadResult"),
        OperationSample(
            with(S3.UploadPart(bucket: "bucket", key: key, uploadId: "id+/", partNumber: 5, body: block)) {
                $0.checksumCRC64NVME = "Y3Jj"
                $0.checksumSHA256 = "c2hh"
            },
            [
                "Bucket": "bucket", "Key": key, "UploadId": "id+/", "PartNumber": 5, "Body": bytes,
                "ChecksumCRC64NVME": "Y3Jj", "ChecksumSHA256": "c2hh",
            ], set: tag),
        OperationSample(
            S3.UploadPartCopy(
                from: .init(bucket: "other", key: key), range: 0...99, bucket: "bucket", key: "copy", partNumber: 5,
                uploadId: "id", copySourceIfMatch: "\"tag\""),
            [
                "Bucket": "bucket", "Key": "copy", "CopySource": "other/\(encodedKey)", "CopySourceIfMatch": "\"tag\"",
                "CopySourceRange": "bytes=0-99", "PartNumber": 5, "UploadId": "id",
            ]),
        OperationSample(
            with(
                S3.CompleteMultipartUpload(
                    bucket: "bucket", key: key, uploadId: "id",
                    parts: [
                        .init(partNumber: 1, eTag: "\"one\"", checksumCRC64NVME: "Y3Jj", checksumSHA256: "c2hh"),
                        .init(partNumber: 2, eTag: "\"two\""),
                    ])
            ) {
                $0.checksumCRC64NVME = "Y3Jj"
                $0.checksumSHA256 = "c2hh"
                $0.checksumType = "FULL_OBJECT"
                $0.mpuObjectSize = 77
                $0.ifNoneMatch = "*"
            },
            [
                "Bucket": "bucket", "Key": key, "UploadId": "id",
                "MultipartUpload": [
                    "Parts": [
                        [
                            "PartNumber": 1, "ETag": "\"one\"", "ChecksumCRC64NVME": "Y3Jj", "ChecksumSHA256": "c2hh",
                        ],
                        ["PartNumber": 2, "ETag": "\"two\""],
                    ]
                ],
                "ChecksumCRC64NVME": "Y3Jj", "ChecksumSHA256": "c2hh", "ChecksumType": "FULL_OBJECT",
                "MpuObjectSize": 77, "IfNoneMatch": "*",
            ], root: "CompleteMultipartUploadResult"),
        OperationSample(
            S3.AbortMultipartUpload(bucket: "bucket", key: key, uploadId: "id"),
            ["Bucket": "bucket", "Key": key, "UploadId": "id"]),
    ]

    static let s3Lists: [OperationSample] = [
        OperationSample(
            with(S3.ListObjectsV2(bucket: "bucket", prefix: "a b/é")) {
                $0.delimiter = "/"
                $0.maxKeys = 3
                $0.continuationToken = "token+/="
                $0.startAfter = "after"
            },
            [
                "Bucket": "bucket", "Prefix": "a b/é", "Delimiter": "/", "MaxKeys": 3, "EncodingType": "url",
                "ContinuationToken": "token+/=", "StartAfter": "after",
            ], root: "ListBucketResult"),
        OperationSample(
            with(S3.ListObjectVersions(bucket: "bucket", prefix: "a b/é")) {
                $0.keyMarker = "key é"
                $0.maxKeys = 3
                $0.versionIdMarker = "id"
            },
            [
                "Bucket": "bucket", "Prefix": "a b/é", "KeyMarker": "key é", "MaxKeys": 3, "VersionIdMarker": "id",
                "EncodingType": "url",
            ], root: "ListVersionsResult"),
        OperationSample(
            S3.GetBucketVersioning(bucket: "bucket"), ["Bucket": "bucket"], root: "VersioningConfiguration"),
        OperationSample(
            with(S3.ListMultipartUploads(bucket: "bucket", prefix: "a")) {
                $0.keyMarker = "key é"
                $0.maxUploads = 3
                $0.uploadIdMarker = "id"
            },
            [
                "Bucket": "bucket", "Prefix": "a", "KeyMarker": "key é", "MaxUploads": 3, "UploadIdMarker": "id",
                "EncodingType": "url",
            ], root: "ListMultipartUploadsResult"),
        OperationSample(
            with(S3.ListParts(bucket: "bucket", key: key, uploadId: "id")) {
                $0.maxParts = 3
                $0.partNumberMarker = 2
            },
            ["Bucket": "bucket", "Key": key, "UploadId": "id", "MaxParts": 3, "PartNumberMarker": 2],
            root: "ListPartsResult"),
    ]
}

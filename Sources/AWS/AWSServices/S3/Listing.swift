import AWSCore

extension S3 {
    /// Lists objects in key order.
    package struct ListObjectsV2: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:ListBucket"]

        package var bucket: String
        /// `/` groups the contents of folders into common prefixes.
        package var delimiter: String?
        /// At most 1,000 keys per page, which is the default.
        package var maxKeys: Int?
        package var prefix: String?
        package var continuationToken: String?
        /// Lists only keys after this one.
        package var startAfter: String?

        package init(bucket: String, prefix: String? = nil) {
            self.bucket = bucket
            self.prefix = prefix
        }

        package struct Output: Sendable, Codable, Equatable {
            package var isTruncated: Bool
            package var contents: [Object]
            package var commonPrefixes: [CommonPrefix]
            package var encodingType: String?
            package var nextContinuationToken: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket)
            request.add(query: "list-type", 2)
            request.add(query: "delimiter", delimiter)
            request.add(query: "encoding-type", "url")
            request.add(query: "max-keys", maxKeys)
            request.add(query: "prefix", prefix)
            request.add(query: "continuation-token", continuationToken)
            request.add(query: "start-after", startAfter)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            var page: Output = try decodeDocument(root: "ListBucketResult", response)
            for index in page.contents.indices {
                page.contents[index].key = plain(page.contents[index].key, page.encodingType)
            }
            for index in page.commonPrefixes.indices {
                page.commonPrefixes[index].prefix = plain(page.commonPrefixes[index].prefix, page.encodingType)
            }
            return page
        }

        package static func items(of page: Output) -> [Object] { page.contents }

        package mutating func turn(after page: Output) throws -> Bool {
            try page.isTruncated && advance(&continuationToken, to: page.nextContinuationToken)
        }
    }

    package struct Object: Sendable, Codable, Equatable {
        package var key: String
        package var eTag: String
        /// Size in bytes.
        package var size: Int
        package var storageClass: String?
    }

    package struct CommonPrefix: Sendable, Codable, Equatable {
        package var prefix: String
    }
}

extension S3 {
    /// Lists objects with their old versions and delete markers, in key order, newest first.
    package struct ListObjectVersions: RESTXMLOperation, PagedOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions = ["s3:ListBucketVersions"]

        package var bucket: String
        package var keyMarker: String?
        /// At most 1,000 versions per page, which is the default.
        package var maxKeys: Int?
        package var prefix: String?
        package var versionIdMarker: String?

        package init(bucket: String, prefix: String? = nil) {
            self.bucket = bucket
            self.prefix = prefix
        }

        package struct Output: Sendable, Codable, Equatable {
            package var isTruncated: Bool
            package var nextKeyMarker: String?
            package var nextVersionIdMarker: String?
            package var versions: [Version]
            package var deleteMarkers: [DeleteMarker]
            package var encodingType: String?

            enum CodingKeys: String, CodingKey {
                case isTruncated, nextKeyMarker, nextVersionIdMarker
                case versions = "version"
                case deleteMarkers = "deleteMarker"
                case encodingType
            }
        }

        package enum Item: Sendable, Equatable {
            case version(Version)
            case deleteMarker(DeleteMarker)
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket)
            request.add(query: "versions", "")
            request.add(query: "encoding-type", "url")
            request.add(query: "key-marker", keyMarker)
            request.add(query: "max-keys", maxKeys)
            request.add(query: "prefix", prefix)
            request.add(query: "version-id-marker", versionIdMarker)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            var page: Output = try decodeDocument(root: "ListVersionsResult", response)
            page.nextKeyMarker = page.nextKeyMarker.map { plain($0, page.encodingType) }
            for index in page.versions.indices {
                page.versions[index].key = plain(page.versions[index].key, page.encodingType)
            }
            for index in page.deleteMarkers.indices {
                page.deleteMarkers[index].key = plain(page.deleteMarkers[index].key, page.encodingType)
            }
            return page
        }

        package static func items(of page: Output) -> [Item] {
            page.versions.map { .version($0) } + page.deleteMarkers.map { .deleteMarker($0) }
        }

        package mutating func turn(after page: Output) throws -> Bool {
            guard page.isTruncated, let next = page.nextKeyMarker else { return false }
            // One key can have more versions than fit on a page, so only both markers together must advance.
            guard (next, page.nextVersionIdMarker) != (keyMarker, versionIdMarker) else {
                throw UnexpectedResponse.sameToken
            }
            (keyMarker, versionIdMarker) = (next, page.nextVersionIdMarker)
            return true
        }
    }

    package struct Version: Sendable, Codable, Equatable {
        package var key: String
        /// `null` for objects stored while the bucket was not versioned.
        package var versionId: String
        /// Whether a request for the key without a version returns this version.
        package var isLatest: Bool
        /// Size in bytes.
        package var size: Int
        package var storageClass: String?
    }

    /// The marker of a deleted object, whose versions all still exist.
    package struct DeleteMarker: Sendable, Codable, Equatable {
        package var key: String
        package var versionId: String
        package var isLatest: Bool
    }

    /// Returns whether the bucket keeps old versions of deleted and overwritten objects.
    package struct GetBucketVersioning: RESTXMLOperation {
        package static let service = S3.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var bucket: String

        package init(bucket: String) {
            self.bucket = bucket
        }

        package struct Output: Sendable, Codable, Equatable {
            /// `Enabled` or `Suspended`, which keeps existing versions; `nil` if versioning was never enabled.
            package var status: String?
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.address(.get, bucket: bucket)
            request.add(query: "versioning", "")
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeDocument(root: "VersioningConfiguration", response)
        }
    }
}

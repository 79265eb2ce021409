import AWSCore
import FoundationEssentials

extension EC2 {
    package struct DescribeSnapshots: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// 5 to 1,000 snapshots per page; not valid together with snapshot IDs.
        package var maxResults: Int?
        package var nextToken: String?
        /// `self` or account IDs. Without owners, all public snapshots are listed.
        package var ownerIds: [String]
        package var snapshotIds: [String]
        package var filters: [Filter]

        package init(snapshotIds: [String] = [], ownerIds: [String] = [], filters: [Filter] = []) {
            self.snapshotIds = snapshotIds
            self.ownerIds = ownerIds
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case maxResults, nextToken
            case ownerIds = "owner"
            case snapshotIds = "snapshotId"
            case filters = "filter"
        }

        package struct Output: Sendable, Codable, Equatable {
            package var snapshots: [Snapshot]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case snapshots = "snapshotSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [Snapshot] { page.snapshots }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct Snapshot: Sendable, Codable, Equatable {
        package var snapshotId: String
        /// `vol-ffffffff` if the snapshot was copied or written with the EBS direct APIs.
        package var volumeId: String?
        /// `pending`, `completed` or `error`.
        package var state: String
        package var stateMessage: String?
        package var startTime: Date?
        /// Progress, such as `42%`.
        package var progress: String?
        package var ownerId: String?
        /// Names the instance and the image if CreateImage made the snapshot.
        package var description: String?
        /// Size of the volume in GiB; the stored and billed size may be smaller.
        package var volumeSize: Int?
        /// Size in bytes of all blocks, including those shared with earlier snapshots.
        package var fullSnapshotSizeInBytes: Int?
        package var encrypted: Bool?
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case snapshotId, volumeId
            case state = "status"
            case stateMessage = "statusMessage"
            case startTime, progress, ownerId, description, volumeSize, fullSnapshotSizeInBytes
            case encrypted
            case tags = "tagSet"
        }
    }

    /// Deletes a snapshot; fails with `InvalidSnapshot.InUse` while an image uses it.
    package struct DeleteSnapshot: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.removal(gone: ["InvalidSnapshot.NotFound"], NoOutput())

        package var snapshotId: String
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(snapshotId: String) {
            self.snapshotId = snapshotId
        }
    }

    /// Describes who may create volumes from a snapshot.
    package struct DescribeSnapshotAttribute: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// `createVolumePermission`.
        package var attribute: String
        package var snapshotId: String

        package init(snapshotId: String, attribute: String = "createVolumePermission") {
            self.snapshotId = snapshotId
            self.attribute = attribute
        }

        package struct Output: Sendable, Codable, Equatable {
            package var snapshotId: String
            package var createVolumePermissions: [Permission]

            enum CodingKeys: String, CodingKey {
                case snapshotId
                case createVolumePermissions = "createVolumePermission"
            }
        }
    }

    package struct ModifySnapshotAttribute: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var createVolumePermission: PermissionChange?
        package var snapshotId: String
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(snapshotId: String, createVolumePermission: PermissionChange) {
            self.snapshotId = snapshotId
            self.createVolumePermission = createVolumePermission
        }
    }
}

extension EC2 {
    /// Returns whether the account allows images in this region to be shared publicly.
    package struct GetImageBlockPublicAccessState: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var dryRun: Bool?

        package init() {}

        package struct Output: Sendable, Codable, Equatable {
            /// `block-new-sharing` or `unblocked`.
            package var imageBlockPublicAccessState: String?
            /// `account` or `declarative-policy`.
            package var managedBy: String?
        }
    }

    /// Returns whether the account allows snapshots in this region to be shared publicly.
    package struct GetSnapshotBlockPublicAccessState: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var dryRun: Bool?

        package init() {}

        package struct Output: Sendable, Codable, Equatable {
            /// `block-all-sharing`, `block-new-sharing` or `unblocked`.
            package var state: String?
            package var managedBy: String?
        }
    }
}

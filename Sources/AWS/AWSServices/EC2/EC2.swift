import AWSCore

/// Amazon Elastic Compute Cloud: instances, their images and disks.
package enum EC2 {
    package static let service = Service(id: "EC2", signingName: "ec2", version: "2016-11-15")

    /// A server-side filter of a list; values may contain `*` and `?`.
    package struct Filter: Sendable, Codable, Equatable {
        package var name: String
        package var values: [String]

        package init(name: String, values: [String]) {
            self.name = name
            self.values = values
        }

        enum CodingKeys: String, CodingKey {
            case name
            case values = "value"
        }
    }

    package struct Tag: Sendable, Codable, Equatable, Hashable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// Tags set together with the creation of a resource, so that no resource is ever without them.
    package struct TagSpecification: Sendable, Codable, Equatable {
        /// `image`, `snapshot`, `key-pair`, `export-image-task`.
        package var resourceType: String
        package var tags: [Tag]

        package init(resourceType: String, tags: [Tag]) {
            self.resourceType = resourceType
            self.tags = tags
        }

        enum CodingKeys: String, CodingKey {
            case resourceType
            case tags = "tag"
        }
    }

    /// A disk of the instances launched from an image.
    package struct BlockDeviceMapping: Sendable, Codable, Equatable {
        package var deviceName: String?
        package var ebs: EbsBlockDevice?

        package init(deviceName: String, ebs: EbsBlockDevice) {
            self.deviceName = deviceName
            self.ebs = ebs
        }
    }

    package struct EbsBlockDevice: Sendable, Codable, Equatable {
        package var deleteOnTermination: Bool?
        package var snapshotId: String?
        /// Size in GiB.
        package var volumeSize: Int?
        package var volumeType: String?
        package var encrypted: Bool?

        package init(
            snapshotId: String? = nil, volumeSize: Int? = nil, volumeType: String? = nil,
            deleteOnTermination: Bool? = nil
        ) {
            self.snapshotId = snapshotId
            self.volumeSize = volumeSize
            self.volumeType = volumeType
            self.deleteOnTermination = deleteOnTermination
        }
    }

    /// The reason for a state.
    package struct StateReason: Sendable, Codable, Equatable {
        package var code: String?
        package var message: String?
    }

    /// A permission to use an image or a snapshot: an account, or the group `all`.
    package struct Permission: Sendable, Codable, Equatable {
        package var userId: String?
        package var group: String?

        package init(userId: String) { self.userId = userId }
        package init(group: String) { self.group = group }
    }

    package struct PermissionChange: Sendable, Codable, Equatable {
        package var add: [Permission]
        package var remove: [Permission]

        package init(add: [Permission] = [], remove: [Permission] = []) {
            self.add = add
            self.remove = remove
        }
    }
}

extension [EC2.TagSpecification] {
    /// The tags for one resource type.
    func tags(of resourceType: String) -> Set<EC2.Tag> {
        Set(filter { $0.resourceType == resourceType }.flatMap(\.tags))
    }
}

extension EC2 {
    /// Sets tags; tags with other keys are kept.
    package struct CreateTags: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var dryRun: Bool?
        /// At most 1,000 resource IDs.
        package var resources: [String]
        package var tags: [Tag]

        package typealias Output = NoOutput

        package init(resources: [String], tags: [Tag]) {
            self.resources = resources
            self.tags = tags
        }

        enum CodingKeys: String, CodingKey {
            case dryRun
            case resources = "resourceId"
            case tags = "tag"
        }
    }
}

extension EC2 {
    /// Lists the regions enabled for the account, which depend on its opt-ins.
    package struct DescribeRegions: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// Includes regions that the account has not opted into.
        package var allRegions: Bool?
        package var filters: [Filter] = []

        package init() {}

        enum CodingKeys: String, CodingKey {
            case allRegions
            case filters = "filter"
        }

        package struct Output: Sendable, Codable, Equatable {
            package var regions: [Region]

            enum CodingKeys: String, CodingKey {
                case regions = "regionInfo"
            }
        }
    }

    package struct Region: Sendable, Codable, Equatable {
        package var regionName: String
        /// `opt-in-not-required`, `opted-in` or `not-opted-in`.
        package var optInStatus: String?
    }
}

/// The settings of an account in a region.
extension EC2 {
    package struct DescribeVpcs: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var filters: [Filter]
        package var nextToken: String?
        package var maxResults: Int?

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case filters = "filter"
            case nextToken, maxResults
        }

        package struct Output: Sendable, Codable, Equatable {
            package var vpcs: [Vpc]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case vpcs = "vpcSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [Vpc] { page.vpcs }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct Vpc: Sendable, Codable, Equatable {
        /// `pending` or `available`.
        package var state: String?
    }

    /// Returns whether all new volumes and snapshots are encrypted, regardless of their source.
    package struct GetEbsEncryptionByDefault: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package struct Output: Sendable, Codable, Equatable {
            package var ebsEncryptionByDefault: Bool?
        }

        package init() {}
    }
}

import AWSCore

/// Elastic Compute Cloud: machines, their images and disks.
package enum EC2 {
    package static let service = Service(id: "EC2", signingName: "ec2", version: "2016-11-15")

    /// Narrows a list on AWS's side; values may have `*` and `?` in them.
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

    /// Tags that what is created carries from its first moment, so that nothing can be left without.
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

    /// A disk of a machine that is started from an image.
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
        /// GiB.
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

    /// Why something is in the state it is in.
    package struct StateReason: Sendable, Codable, Equatable {
        package var code: String?
        package var message: String?
    }

    /// Who may use an image or a snapshot: an account, or the group `all`.
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
    /// The tags for one type of resource.
    func tags(of resourceType: String) -> Set<EC2.Tag> {
        Set(filter { $0.resourceType == resourceType }.flatMap(\.tags))
    }
}

extension EC2 {
    /// Sets tags; those of other keys stay.
    package struct CreateTags: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var dryRun: Bool?
        /// At most 1,000.
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
    /// The regions that the account can use, which differ by what it has opted into.
    package struct DescribeRegions: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var regionNames: [String] = []
        /// Those too that the account has not opted into.
        package var allRegions: Bool?
        package var filters: [Filter] = []

        package init() {}

        enum CodingKeys: String, CodingKey {
            case regionNames = "regionName"
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

/// What an account has set for itself in a region.
extension EC2 {
    package struct DescribeVpcs: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var filters: [Filter]
        package var vpcIds: [String] = []
        package var nextToken: String?
        package var maxResults: Int?

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case filters = "filter"
            case vpcIds = "vpcId"
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
        package var vpcId: String
        package var isDefault: Bool?
        /// `pending` or `available`.
        package var state: String?
    }

    /// Whether all new volumes and snapshots are encrypted, whatever they are made of.
    package struct GetEbsEncryptionByDefault: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package struct Output: Sendable, Codable, Equatable {
            package var ebsEncryptionByDefault: Bool?
        }

        package init() {}
    }
}

import AWSCore
import FoundationEssentials

extension EC2 {
    package struct DescribeImages: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var imageIds: [String]
        /// Account IDs, `self` or `amazon`.
        package var owners: [String]
        /// Includes deprecated images, which are otherwise listed only for their owner.
        package var includeDeprecated: Bool?
        /// 1 to 1,000 images per page; not valid together with image IDs.
        package var maxResults: Int?
        package var nextToken: String?
        package var filters: [Filter]

        package init(imageIds: [String] = [], owners: [String] = [], filters: [Filter] = []) {
            self.imageIds = imageIds
            self.owners = owners
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case imageIds = "imageId"
            case owners = "owner"
            case includeDeprecated, maxResults, nextToken
            case filters = "filter"
        }

        package struct Output: Sendable, Codable, Equatable {
            package var images: [Image]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case images = "imagesSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [Image] { page.images }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    /// An Amazon Machine Image (AMI).
    package struct Image: Sendable, Codable, Equatable {
        package var imageId: String
        /// `nil` if another account owns the image and has revoked access to it.
        package var name: String?
        package var description: String?
        /// `pending`, `available`, `failed`, `error`, `deregistered`, `invalid`, `transient` or `disabled`.
        package var state: String
        package var stateReason: StateReason?
        package var ownerId: String?
        package var `public`: Bool?
        package var architecture: String?
        /// Formatted as `2026-01-31T12:00:00.000Z`, so that times sort as text.
        package var creationDate: String?
        package var deprecationTime: String?
        package var rootDeviceName: String?
        /// `ebs` or `instance-store`.
        package var rootDeviceType: String?
        /// `hvm` or `paravirtual`.
        package var virtualizationType: String?
        /// Empty unless the image has charges beyond those of AWS.
        package var productCodes: [ProductCode]
        package var blockDeviceMappings: [BlockDeviceMapping]
        /// `legacy-bios`, `uefi` or `uefi-preferred`.
        package var bootMode: String?
        package var enaSupport: Bool?
        /// `v2.0` if instances require version 2 of the metadata service.
        package var imdsSupport: String?
        package var sourceInstanceId: String?
        package var sourceImageId: String?
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case imageId, name, description
            case state = "imageState"
            case stateReason
            case ownerId = "imageOwnerId"
            case `public` = "isPublic"
            case architecture, creationDate, deprecationTime, rootDeviceName, rootDeviceType
            case virtualizationType, productCodes
            case blockDeviceMappings = "blockDeviceMapping"
            case bootMode, enaSupport, imdsSupport, sourceInstanceId, sourceImageId
            case tags = "tagSet"
        }
    }

    /// The billing channel of a paid image: `marketplace` or `devpay`.
    package struct ProductCode: Sendable, Codable, Equatable {
        package var code: String?
        package var type: String?

        enum CodingKeys: String, CodingKey {
            case code = "productCode"
            case type
        }
    }

    /// Deregisters an image; its snapshots remain.
    package struct DeregisterImage: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.removal(
            gone: ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"], NoOutput())

        package var imageId: String
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String) {
            self.imageId = imageId
        }
    }
}

extension EC2 {
    /// Creates an image of an instance; returns immediately, and the image stays `pending` for minutes.
    package struct CreateImage: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["InvalidAMIName.Duplicate"]) {
            wanted, client in
            try await client.ownImage(wanted.name, tags: wanted.tagSpecifications) {
                $0.sourceInstanceId == nil || $0.sourceInstanceId == wanted.instanceId
            }
        }
        package static let permissions = ["ec2:CreateImage", "ec2:CreateTags", "ec2:DescribeImages"]

        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var instanceId: String
        /// 3 to 128 characters, unique per account and region.
        package var name: String
        package var description: String?
        /// By default, a running instance is shut down for the snapshot, so that its disk is consistent.
        package var noReboot: Bool?

        package typealias Output = NewImage

        package init(
            instanceId: String, name: String, description: String? = nil, tagSpecifications: [TagSpecification] = []
        ) {
            self.instanceId = instanceId
            self.name = name
            self.description = description
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case tagSpecifications = "tagSpecification"
            case dryRun, instanceId, name, description, noReboot
        }
    }

    /// Registers an image of disks that exist as snapshots.
    package struct RegisterImage: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.lookup(taken: ["InvalidAMIName.Duplicate"]) {
            wanted, client in
            try await client.ownImage(wanted.name, tags: wanted.tagSpecifications) { found in
                let snapshots = { (disks: [BlockDeviceMapping]) in Set(disks.compactMap(\.ebs?.snapshotId)) }
                return snapshots(found.blockDeviceMappings) == snapshots(wanted.blockDeviceMappings)
            }
        }
        package static let permissions = ["ec2:RegisterImage", "ec2:CreateTags", "ec2:DescribeImages"]

        /// `uefi-preferred` supports both UEFI and BIOS.
        package var bootMode: String?
        /// `v2.0`: instances require version 2 of the metadata service.
        package var imdsSupport: String?
        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?
        package var name: String
        package var description: String?
        /// `x86_64` or `arm64`; `i386` by default.
        package var architecture: String?
        package var rootDeviceName: String?
        package var blockDeviceMappings: [BlockDeviceMapping]
        /// `hvm`; `paravirtual` by default.
        package var virtualizationType: String?
        package var enaSupport: Bool?

        package typealias Output = NewImage

        package init(
            name: String, architecture: String, rootDeviceName: String, blockDeviceMappings: [BlockDeviceMapping],
            tagSpecifications: [TagSpecification] = []
        ) {
            self.name = name
            self.architecture = architecture
            self.rootDeviceName = rootDeviceName
            self.blockDeviceMappings = blockDeviceMappings
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case bootMode, imdsSupport
            case tagSpecifications = "tagSpecification"
            case dryRun, name, description, architecture, rootDeviceName
            case blockDeviceMappings = "blockDeviceMapping"
            case virtualizationType, enaSupport
        }
    }

    /// Copies an image from another region to the region of the call.
    package struct CopyImage: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientToken)
        package static let permissions = ["ec2:CopyImage", "ec2:CreateTags"]

        package var clientToken: String?
        package var description: String?
        package var name: String
        package var sourceImageId: String
        package var sourceRegion: String
        /// Copies the tags of the image, but not those of its snapshots.
        package var copyImageTags: Bool?
        package var tagSpecifications: [TagSpecification]
        package var dryRun: Bool?

        package typealias Output = NewImage

        package init(
            name: String, sourceImageId: String, sourceRegion: String, tagSpecifications: [TagSpecification] = []
        ) {
            self.name = name
            self.sourceImageId = sourceImageId
            self.sourceRegion = sourceRegion
            self.tagSpecifications = tagSpecifications
        }

        enum CodingKeys: String, CodingKey {
            case clientToken, description, name, sourceImageId, sourceRegion, copyImageTags
            case tagSpecifications = "tagSpecification"
            case dryRun
        }
    }

    package struct NewImage: Sendable, Codable, Equatable {
        package var imageId: String
    }
}

extension AWSClient {
    /// The account's own image with that name, provided that its tags and its source match.
    fileprivate func ownImage(
        _ name: String, tags: [EC2.TagSpecification], where isSame: (EC2.Image) -> Bool
    ) async throws -> EC2.NewImage? {
        let search = EC2.DescribeImages(owners: ["self"], filters: [.init(name: "name", values: [name])])
        return try await call(search).images
            .first {
                $0.name == name && ["pending", "available"].contains($0.state) && isSame($0)
                    && tags.tags(of: "image").isSubset(of: $0.tags)
            }
            .map { EC2.NewImage(imageId: $0.imageId) }
    }
}

extension EC2 {
    /// Describes who may launch instances from an image.
    package struct DescribeImageAttribute: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// `launchPermission`.
        package var attribute: String
        package var imageId: String

        package init(imageId: String, attribute: String = "launchPermission") {
            self.imageId = imageId
            self.attribute = attribute
        }

        package struct Output: Sendable, Codable, Equatable {
            package var imageId: String
            package var launchPermissions: [Permission]

            enum CodingKeys: String, CodingKey {
                case imageId
                case launchPermissions = "launchPermission"
            }
        }
    }

    /// Makes an image public or private.
    package struct ModifyImageAttribute: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var imageId: String
        package var launchPermission: PermissionChange?
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String, launchPermission: PermissionChange) {
            self.imageId = imageId
            self.launchPermission = launchPermission
        }
    }

    /// Deprecates an image from a given time on: it remains usable, but only users who know its ID can find it.
    package struct EnableImageDeprecation: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var imageId: String
        /// At most ten years from now, or two years for a public image; AWS rounds to the minute.
        package var deprecateAt: Date
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String, deprecateAt: Date) {
            self.imageId = imageId
            self.deprecateAt = deprecateAt
        }
    }
}

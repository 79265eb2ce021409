import AWSCore

extension EC2 {
    package struct DescribeImages: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var imageIds: [String]
        /// Accounts, `self` or `amazon`.
        package var owners: [String]
        /// Deprecated ones are left out otherwise, except for their owner.
        package var includeDeprecated: Bool?
        /// 1 to 1,000 a page; not together with image ids.
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

    /// A machine image (AMI).
    package struct Image: Sendable, Codable, Equatable {
        package var imageId: String
        /// Missing where the image is not the caller's and its owner has taken it back.
        package var name: String?
        package var description: String?
        /// `pending`, `available`, `failed`, `error`, `deregistered`, `invalid`, `transient` or `disabled`.
        package var state: String
        package var stateReason: StateReason?
        package var ownerId: String?
        package var `public`: Bool?
        package var architecture: String?
        /// In the form `2026-01-31T12:00:00.000Z`, so that times sort as text.
        package var creationDate: String?
        package var deprecationTime: String?
        package var rootDeviceName: String?
        /// `ebs` or `instance-store`.
        package var rootDeviceType: String?
        /// `hvm` or `paravirtual`.
        package var virtualizationType: String?
        /// Empty where nobody is paid for it but AWS.
        package var productCodes: [ProductCode]
        package var blockDeviceMappings: [BlockDeviceMapping]
        /// `legacy-bios`, `uefi` or `uefi-preferred`.
        package var bootMode: String?
        package var enaSupport: Bool?
        /// `v2.0` where machines take their metadata only by version 2.
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

    /// Whom its users pay for it: `marketplace` or `devpay`.
    package struct ProductCode: Sendable, Codable, Equatable {
        package var code: String?
        package var type: String?

        enum CodingKeys: String, CodingKey {
            case code = "productCode"
            case type
        }
    }

    /// Its snapshots stay.
    package struct DeregisterImage: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.removal(
            gone: ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"], NoOutput())

        package var imageId: String
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String) {
            self.imageId = imageId
        }
    }
}

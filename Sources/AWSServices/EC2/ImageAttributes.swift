import AWSCore
import FoundationEssentials

extension EC2 {
    /// Who may start machines from an image.
    package struct DescribeImageAttribute: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

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

    /// Makes an image public, or private again.
    package struct ModifyImageAttribute: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var imageId: String
        package var launchPermission: PermissionChange?
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String, launchPermission: PermissionChange) {
            self.imageId = imageId
            self.launchPermission = launchPermission
        }
    }

    /// From a time on the image is found only by those who know its id; it goes on working.
    package struct EnableImageDeprecation: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var imageId: String
        /// At most ten years from now, for a public image two; AWS rounds to the minute.
        package var deprecateAt: Date
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String, deprecateAt: Date) {
            self.imageId = imageId
            self.deprecateAt = deprecateAt
        }
    }

    package struct DisableImageDeprecation: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var imageId: String
        package var dryRun: Bool?

        package typealias Output = NoOutput

        package init(imageId: String) {
            self.imageId = imageId
        }
    }
}

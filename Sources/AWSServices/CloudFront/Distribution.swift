import AWSCore
import FoundationEssentials

extension CloudFront {
    package struct Distribution: Sendable, Codable, Equatable {
        package var id: String
        package var arn: String
        /// `Deployed` when all places have the configuration, `InProgress` before.
        package var status: String
        package var lastModifiedTime: Date
        package var domainName: String
        package var distributionConfig: Config

        enum CodingKeys: String, CodingKey {
            case id
            case arn = "ARN"
            case status, lastModifiedTime, domainName, distributionConfig
        }
    }

    package struct Config: Sendable, Codable, Equatable {
        package var defaultRootObject: String?
        package var origins: Origins
        package var enabled: Bool
        /// The ARN of the web ACL; empty where there is none.
        package var webACLId: String?
    }

    package struct Origins: Sendable, Codable, Equatable {
        package struct Items: Sendable, Codable, Equatable {
            package var origin: [Origin]
        }

        package var quantity: Int
        package var items: Items
    }

    package struct Origin: Sendable, Codable, Equatable {
        package var id: String
        package var domainName: String
        /// What lets CloudFront, and nobody else, read the bucket.
        package var originAccessControlId: String?
    }
}

import AWSCore

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

import AWSCore

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

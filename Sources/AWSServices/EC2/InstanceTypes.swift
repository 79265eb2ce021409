import AWSCore

extension EC2 {
    /// Which types of machine a region has. A type that it has not is left out of the list.
    package struct DescribeInstanceTypeOfferings: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        /// `region`, or `availability-zone`.
        package var locationType: String?
        package var filters: [Filter]
        package var maxResults: Int?
        package var nextToken: String?

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case locationType
            case filters = "filter"
            case maxResults, nextToken
        }

        package struct Output: Sendable, Codable, Equatable {
            package var instanceTypeOfferings: [InstanceTypeOffering]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case instanceTypeOfferings = "instanceTypeOfferingSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [InstanceTypeOffering] { page.instanceTypeOfferings }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct InstanceTypeOffering: Sendable, Codable, Equatable {
        package var instanceType: String?
        package var location: String?
    }

    /// What types of machine are; `InvalidInstanceType` where there is none of that name.
    package struct DescribeInstanceTypes: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        /// At most 100; not together with `maxResults`.
        package var instanceTypes: [String]
        package var filters: [Filter] = []
        package var maxResults: Int?
        package var nextToken: String?

        package init(instanceTypes: [String]) {
            self.instanceTypes = instanceTypes
        }

        enum CodingKeys: String, CodingKey {
            case instanceTypes = "instanceType"
            case filters = "filter"
            case maxResults, nextToken
        }

        package struct Output: Sendable, Codable, Equatable {
            package var instanceTypes: [InstanceType]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case instanceTypes = "instanceTypeSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [InstanceType] { page.instanceTypes }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct InstanceType: Sendable, Codable, Equatable {
        package var instanceType: String
        package var processorInfo: ProcessorInfo?
        package var vCpuInfo: VCPUInfo?
    }

    package struct ProcessorInfo: Sendable, Codable, Equatable {
        /// `x86_64`, `arm64`, `i386`.
        package var supportedArchitectures: [String]
    }

    package struct VCPUInfo: Sendable, Codable, Equatable {
        package var defaultVCpus: Int?
    }
}

import AWSCore
import FoundationEssentials

extension EC2 {
    package struct DescribeInstances: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var instanceIds: [String]
        package var filters: [Filter]
        package var nextToken: String?
        /// 5 to 1,000 instances per page; not valid together with instance IDs.
        package var maxResults: Int?

        package init(instanceIds: [String] = [], filters: [Filter] = []) {
            self.instanceIds = instanceIds
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
            case instanceIds = "instanceId"
            case filters = "filter"
            case nextToken, maxResults
        }

        package struct Output: Sendable, Codable, Equatable {
            package var reservations: [Reservation]
            package var nextToken: String?

            enum CodingKeys: String, CodingKey {
                case reservations = "reservationSet"
                case nextToken
            }
        }

        package static func items(of page: Output) -> [Instance] { page.reservations.flatMap(\.instances) }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    /// Instances launched by one call.
    package struct Reservation: Sendable, Codable, Equatable {
        package var instances: [Instance]

        enum CodingKeys: String, CodingKey {
            case instances = "instancesSet"
        }
    }

    package struct Instance: Sendable, Codable, Equatable {
        package var instanceId: String
        package var imageId: String?
        package var state: InstanceState
        package var stateReason: StateReason?
        /// Empty for instances without a public address.
        package var publicDnsName: String?
        package var publicIpAddress: String?
        package var privateIpAddress: String?
        package var keyName: String?
        package var instanceType: String?
        /// `spot` or `scheduled`; `nil` for an On-Demand instance.
        package var instanceLifecycle: String?
        package var launchTime: Date?
        package var rootDeviceName: String?
        package var blockDeviceMappings: [InstanceBlockDeviceMapping]
        package var tags: [Tag]

        enum CodingKeys: String, CodingKey {
            case instanceId, imageId
            case state = "instanceState"
            case stateReason
            case publicDnsName = "dnsName"
            case publicIpAddress = "ipAddress"
            case privateIpAddress, keyName, instanceType, instanceLifecycle, launchTime, rootDeviceName
            case blockDeviceMappings = "blockDeviceMapping"
            case tags = "tagSet"
        }
    }

    package struct InstanceState: Sendable, Codable, Equatable {
        /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
        package var name: String
    }

    package struct InstanceBlockDeviceMapping: Sendable, Codable, Equatable {
        package var deviceName: String?
        package var ebs: InstanceVolume?
    }

    package struct InstanceVolume: Sendable, Codable, Equatable {
        package var volumeId: String?
        package var deleteOnTermination: Bool?
    }
}

extension EC2 {
    package struct StopInstances: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var instanceIds: [String]
        package var dryRun: Bool?
        /// Stops the instance without flushing its caches to disk.
        package var force: Bool?

        package typealias Output = StateChanges

        package init(instanceIds: [String]) {
            self.instanceIds = instanceIds
        }

        enum CodingKeys: String, CodingKey {
            case instanceIds = "instanceId"
            case dryRun, force
        }
    }

    /// Terminates instances; a terminated instance stays listed for about an hour and can be terminated again.
    package struct TerminateInstances: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.removal(
            gone: ["InvalidInstanceID.NotFound"], StateChanges(instances: []))

        package var instanceIds: [String]
        package var dryRun: Bool?

        package typealias Output = StateChanges

        package init(instanceIds: [String]) {
            self.instanceIds = instanceIds
        }

        enum CodingKeys: String, CodingKey {
            case instanceIds = "instanceId"
            case dryRun
        }
    }

    package struct StateChanges: Sendable, Codable, Equatable {
        package var instances: [StateChange]

        enum CodingKeys: String, CodingKey {
            case instances = "instancesSet"
        }
    }

    package struct StateChange: Sendable, Codable, Equatable {
        package var instanceId: String
    }

    /// Returns the last 64 KB that an instance wrote to its serial console, to find out why it does not boot.
    package struct GetConsoleOutput: EC2Operation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var instanceId: String
        /// Returns the current output instead of that of the last start or stop; only for Nitro instances.
        package var latest: Bool?

        package init(instanceId: String, latest: Bool? = nil) {
            self.instanceId = instanceId
            self.latest = latest
        }

        package struct Output: Sendable, Codable, Equatable {
            package var instanceId: String
            package var timestamp: Date?
            /// Console output in Base64.
            package var output: String?

            package var text: String? {
                output.flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }
                    .map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }
}

extension EC2 {
    /// Lists the instance types offered in a region; types that are not offered are omitted.
    package struct DescribeInstanceTypeOfferings: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var filters: [Filter]
        package var maxResults: Int?
        package var nextToken: String?

        package init(filters: [Filter] = []) {
            self.filters = filters
        }

        enum CodingKeys: String, CodingKey {
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

    /// Describes instance types; an unknown name is an `InvalidInstanceType` error.
    package struct DescribeInstanceTypes: EC2Operation, PagedOperation {
        package static let service = EC2.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// At most 100 names; not valid together with `maxResults`.
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

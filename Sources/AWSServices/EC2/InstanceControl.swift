import AWSCore
import FoundationEssentials

extension EC2 {
    package struct StartInstances: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

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

    package struct StopInstances: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var instanceIds: [String]
        package var dryRun: Bool?
        /// Without letting it write what it still has in memory.
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

    /// A terminated machine is listed for about an hour and can be terminated again.
    package struct TerminateInstances: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.removal(
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
        package var currentState: InstanceState
        package var previousState: InstanceState?
    }

    /// What the machine wrote to its serial console, the last 64 KB; says why one does not come up.
    package struct GetConsoleOutput: EC2Operation {
        package static let service = EC2.service
        package static let repetition = Repetition<Self>.harmless

        package var instanceId: String
        /// As of now instead of as of the last start or stop; only for machines on Nitro.
        package var latest: Bool?

        package init(instanceId: String, latest: Bool? = nil) {
            self.instanceId = instanceId
            self.latest = latest
        }

        package struct Output: Sendable, Codable, Equatable {
            package var instanceId: String
            package var timestamp: Date?
            /// In base64.
            package var output: String?

            package var text: String? {
                output.flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }
                    .map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }
}

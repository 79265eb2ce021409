import AWSCore
import FoundationEssentials

extension CloudFormation {
    /// One stack, or all of the region that are not deleted.
    ///
    /// A stack that is not there is a `ValidationError`; a deleted one is found by its id for 90 days.
    package struct DescribeStacks: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var stackName: String?
        package var nextToken: String?

        package init(stackName: String? = nil) {
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var stacks: [Stack]
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [Stack] { page.stacks }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct Stack: Sendable, Codable, Equatable {
        package var stackId: String?
        package var stackName: String
        package var changeSetId: String?
        package var description: String?
        package var parameters: [Parameter]
        package var creationTime: Date
        package var deletionTime: Date?
        package var lastUpdatedTime: Date?
        package var stackStatus: String
        package var stackStatusReason: String?
        package var outputs: [StackOutput]
        package var tags: [Tag]
        package var enableTerminationProtection: Bool?
    }

    package struct StackOutput: Sendable, Codable, Equatable {
        package var outputKey: String?
        package var outputValue: String?
        package var description: String?
    }

    /// The newest first.
    package struct DescribeStackEvents: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        /// The name or, for a stack that may be gone meanwhile, the id.
        package var stackName: String
        package var nextToken: String?

        package init(stackName: String) {
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var stackEvents: [StackEvent]
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [StackEvent] { page.stackEvents }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct StackEvent: Sendable, Codable, Equatable {
        package var stackId: String
        package var eventId: String
        package var logicalResourceId: String?
        package var physicalResourceId: String?
        package var resourceType: String?
        package var timestamp: Date
        package var resourceStatus: String?
        /// For what failed: why.
        package var resourceStatusReason: String?
        /// Of the call that led to the event: tells the events of one change from those before.
        package var clientRequestToken: String?
    }

    package struct ListStackResources: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var stackName: String
        package var nextToken: String?

        package init(stackName: String) {
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var stackResourceSummaries: [StackResource]
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [StackResource] { page.stackResourceSummaries }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    package struct StackResource: Sendable, Codable, Equatable {
        package var logicalResourceId: String
        /// Missing until the resource has an id.
        package var physicalResourceId: String?
        package var resourceType: String
        package var lastUpdatedTimestamp: Date
        package var resourceStatus: String
        package var resourceStatusReason: String?
    }

    /// Begins to delete a stack; for one that is not there it does nothing and succeeds.
    package struct DeleteStack: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.token(\.clientRequestToken)

        package var stackName: String
        /// Logical ids of what is left where a deletion has failed before.
        package var retainResources: [String]?
        package var clientRequestToken: String?

        package typealias Output = NoOutput

        package init(stackName: String) {
            self.stackName = stackName
        }
    }

    package struct UpdateTerminationProtection: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var enableTerminationProtection: Bool
        package var stackName: String

        package init(stackName: String, enableTerminationProtection: Bool) {
            self.stackName = stackName
            self.enableTerminationProtection = enableTerminationProtection
        }

        package struct Output: Sendable, Codable, Equatable {
            package var stackId: String?
        }
    }
}

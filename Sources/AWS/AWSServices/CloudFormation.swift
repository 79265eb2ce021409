import AWSCore
import FoundationEssentials

/// AWS CloudFormation: stacks, changed by change sets that can be reviewed before they are executed.
package enum CloudFormation {
    package static let service = Service(
        id: "CloudFormation", signingName: "cloudformation", version: "2010-05-15", concurrency: 4)

    package struct Tag: Sendable, Codable, Equatable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package struct Parameter: Sendable, Codable, Equatable {
        package var parameterKey: String
        package var parameterValue: String?
        /// Keeps the stack's current value; `parameterValue` is `nil` then.
        package var usePreviousValue: Bool?

        package init(parameterKey: String, parameterValue: String? = nil, usePreviousValue: Bool? = nil) {
            self.parameterKey = parameterKey
            self.parameterValue = parameterValue
            self.usePreviousValue = usePreviousValue
        }
    }
}

extension CloudFormation {
    /// Describes one stack, or all stacks in the region that are not deleted.
    ///
    /// A missing stack is a `ValidationError`; a deleted stack can be found by its ID for 90 days.
    package struct DescribeStacks: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.harmless

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
        package var description: String?
        package var parameters: [Parameter]
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

    /// Lists the events of a stack, newest first.
    package struct DescribeStackEvents: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// The stack's name or, for a stack that may be deleted meanwhile, its ID.
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
        /// The reason for a failure.
        package var resourceStatusReason: String?
        /// The token of the call that caused the event; it separates the events of one change from earlier ones.
        package var clientRequestToken: String?
    }

    package struct ListStackResources: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.harmless

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
        /// `nil` until the resource has an ID.
        package var physicalResourceId: String?
        package var resourceType: String
        package var resourceStatus: String
        package var resourceStatusReason: String?
    }

    /// Starts deleting a stack; succeeds without effect if the stack does not exist.
    package struct DeleteStack: QueryOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientRequestToken)

        package var stackName: String
        package var clientRequestToken: String?

        package typealias Output = NoOutput

        package init(stackName: String) {
            self.stackName = stackName
        }
    }

    package struct UpdateTerminationProtection: QueryOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.harmless

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

extension CloudFormation {
    /// Computes, in the background, the changes that a template would make.
    package struct CreateChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientToken)
        package static let permissions = ["cloudformation:CreateChangeSet", "cloudformation:TagResource"]

        package var stackName: String
        /// At most 51,200 bytes; larger templates must be in a bucket.
        package var templateBody: String?
        package var parameters: [Parameter]?
        /// `CAPABILITY_IAM` or `CAPABILITY_NAMED_IAM` if the template contains roles.
        package var capabilities: [String]?
        /// Propagated to all resources that support tags.
        package var tags: [Tag]?
        package var changeSetName: String
        package var clientToken: String?
        package var description: String?
        /// `CREATE` for a new stack, `UPDATE` otherwise.
        package var changeSetType: String?

        package init(
            stackName: String, changeSetName: String, changeSetType: String? = nil, templateBody: String? = nil,
            parameters: [Parameter]? = nil, capabilities: [String]? = nil, tags: [Tag]? = nil
        ) {
            self.stackName = stackName
            self.changeSetName = changeSetName
            self.changeSetType = changeSetType
            self.templateBody = templateBody
            self.parameters = parameters
            self.capabilities = capabilities
            self.tags = tags
        }

        package struct Output: Sendable, Codable, Equatable {
            package var id: String
            package var stackId: String
        }
    }

    package struct DescribeChangeSet: QueryOperation, PagedOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// The change set's name, used with the stack's name, or its ARN.
        package var changeSetName: String
        package var stackName: String?
        package var nextToken: String?

        package init(changeSetName: String, stackName: String? = nil) {
            self.changeSetName = changeSetName
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var changeSetName: String
            package var stackId: String
            package var stackName: String
            /// `CREATE_COMPLETE`, or `FAILED`, which is also the status if nothing would change.
            package var status: String
            package var statusReason: String?
            package var changes: [Change]
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [Change] { page.changes }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    /// Starts changing the stack; the stack's status and events show the result.
    package struct ExecuteChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.token(\.clientRequestToken)

        package var changeSetName: String
        package var stackName: String?
        package var clientRequestToken: String?

        package typealias Output = NoOutput

        package init(changeSetName: String, stackName: String? = nil) {
            self.changeSetName = changeSetName
            self.stackName = stackName
        }
    }

    package struct DeleteChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let retrySafety = RetrySafety<Self>.removal(gone: ["ChangeSetNotFound"], NoOutput())

        package var changeSetName: String
        package var stackName: String?

        package typealias Output = NoOutput

        package init(changeSetName: String, stackName: String? = nil) {
            self.changeSetName = changeSetName
            self.stackName = stackName
        }
    }
}

extension CloudFormation {
    package struct Change: Sendable, Codable, Equatable {
        package var type: String?
        package var resourceChange: ResourceChange?
    }

    /// The change to one resource.
    package struct ResourceChange: Sendable, Codable, Equatable {
        /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
        package var action: String?
        package var logicalResourceId: String?
        package var physicalResourceId: String?
        package var resourceType: String?
        /// For `Modify`: whether the resource is replaced: `True`, `False` or `Conditional`.
        package var replacement: String?
        /// The resource attributes that change: `Properties`, `Tags`, ….
        package var scope: [String]
        package var details: [ResourceChangeDetail]
    }

    package struct ResourceChangeDetail: Sendable, Codable, Equatable {
        package var target: ResourceTarget?
    }

    package struct ResourceTarget: Sendable, Codable, Equatable {
        package var attribute: String?
        /// The property's name if the attribute is `Properties`.
        package var name: String?
    }
}

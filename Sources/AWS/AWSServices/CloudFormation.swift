import AWSCore
import FoundationEssentials

/// CloudFormation: stacks, changed by change sets that can be shown before they change anything.
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
        /// Keeps what the stack has; then there is no value.
        package var usePreviousValue: Bool?

        package init(parameterKey: String, parameterValue: String? = nil, usePreviousValue: Bool? = nil) {
            self.parameterKey = parameterKey
            self.parameterValue = parameterValue
            self.usePreviousValue = usePreviousValue
        }
    }
}

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

extension CloudFormation {
    /// Works out, in the background, what a template would change.
    package struct CreateChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.token(\.clientToken)
        package static let permissions = ["cloudformation:CreateChangeSet", "cloudformation:TagResource"]

        package var stackName: String
        /// At most 51,200 bytes; larger ones go to a bucket.
        package var templateBody: String?
        package var templateURL: String?
        package var usePreviousTemplate: Bool?
        package var parameters: [Parameter]?
        /// `CAPABILITY_IAM` or `CAPABILITY_NAMED_IAM` where the template has roles.
        package var capabilities: [String]?
        /// Handed on to all resources that can carry tags.
        package var tags: [Tag]?
        package var changeSetName: String
        package var clientToken: String?
        package var description: String?
        /// `CREATE` for a stack that is not there yet, `UPDATE` otherwise.
        package var changeSetType: String?
        /// `DELETE` or `ROLLBACK`, or `DO_NOTHING`.
        package var onStackFailure: String?

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
        package static let repetition = Repetition<Self>.harmless

        /// Its name, together with the stack's, or its ARN.
        package var changeSetName: String
        package var stackName: String?
        package var nextToken: String?

        package init(changeSetName: String, stackName: String? = nil) {
            self.changeSetName = changeSetName
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var changeSetName: String
            package var changeSetId: String
            package var stackId: String
            package var stackName: String
            /// `AVAILABLE` when it can be executed.
            package var executionStatus: String?
            /// `CREATE_COMPLETE`, or `FAILED`, which it also is where nothing would change.
            package var status: String
            package var statusReason: String?
            package var changes: [Change]
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [Change] { page.changes }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }

    /// Begins to change the stack; what comes of it shows in the stack's status and events.
    package struct ExecuteChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.token(\.clientRequestToken)

        package var changeSetName: String
        package var stackName: String?
        package var clientRequestToken: String?
        /// Leaves what was made where something fails, to look at it.
        package var disableRollback: Bool?

        package typealias Output = NoOutput

        package init(changeSetName: String, stackName: String? = nil) {
            self.changeSetName = changeSetName
            self.stackName = stackName
        }
    }

    package struct DeleteChangeSet: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.removal(gone: ["ChangeSetNotFound"], NoOutput())

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

    /// What happens to one resource.
    package struct ResourceChange: Sendable, Codable, Equatable {
        /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
        package var action: String?
        package var logicalResourceId: String?
        package var physicalResourceId: String?
        package var resourceType: String?
        /// For `Modify`: whether it is made anew, `True`, `False` or `Conditional`.
        package var replacement: String?
        /// Which of its attributes change: `Properties`, `Tags`, ….
        package var scope: [String]
        package var details: [ResourceChangeDetail]
    }

    package struct ResourceChangeDetail: Sendable, Codable, Equatable {
        package var target: ResourceTarget?
    }

    package struct ResourceTarget: Sendable, Codable, Equatable {
        package var attribute: String?
        /// The property's name where the attribute is `Properties`.
        package var name: String?
        /// `Never`, `Conditionally` or `Always`.
        package var requiresRecreation: String?
    }
}

extension CloudFormation {
    /// Whether AWS can read a template; refused with `ValidationError` where not.
    package struct ValidateTemplate: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var templateBody: String?
        package var templateURL: String?

        package init(templateBody: String) {
            self.templateBody = templateBody
        }

        package struct Output: Sendable, Codable, Equatable {
            package var parameters: [TemplateParameter]
            package var description: String?
            package var capabilities: [String]
            package var capabilitiesReason: String?
        }
    }

    package struct TemplateParameter: Sendable, Codable, Equatable {
        package var parameterKey: String?
        package var defaultValue: String?
        package var noEcho: Bool?
        package var description: String?
    }

    /// What is in a template, or in a stack's present one.
    package struct GetTemplateSummary: QueryOperation {
        package static let service = CloudFormation.service
        package static let repetition = Repetition<Self>.harmless

        package var templateBody: String?
        package var templateURL: String?
        package var stackName: String?

        package init(templateBody: String? = nil, stackName: String? = nil) {
            self.templateBody = templateBody
            self.stackName = stackName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var parameters: [SummaryParameter]
            package var description: String?
            package var capabilities: [String]
            package var capabilitiesReason: String?
            package var resourceTypes: [String]
        }
    }

    package struct SummaryParameter: Sendable, Codable, Equatable {
        package var parameterKey: String?
        package var defaultValue: String?
        package var parameterType: String?
        package var noEcho: Bool?
        package var description: String?
    }
}

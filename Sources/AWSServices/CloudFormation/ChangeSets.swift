import AWSCore

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

import AWSCore
import FoundationEssentials

extension IAM {
    /// A role; `NoSuchEntity` where there is none of that name.
    package struct GetRole: QueryOperation {
        package static let service = IAM.service
        package static let repetition = Repetition<Self>.harmless

        package var roleName: String

        package struct Output: Sendable, Codable, Equatable {
            package var role: Role
        }

        package init(roleName: String) {
            self.roleName = roleName
        }
    }

    package struct Role: Sendable, Codable, Equatable {
        package var path: String
        package var roleName: String
        package var roleId: String
        package var arn: String
        package var createDate: Date
    }

    /// What somebody's policies allow, without doing it. Boundaries and the organization's policies are taken into
    /// account, policies of resources are not.
    package struct SimulatePrincipalPolicy: QueryOperation, PagedOperation {
        package static let service = IAM.service
        package static let repetition = Repetition<Self>.harmless

        /// A user, a group or a role; not a role's session.
        package var policySourceArn: String
        package var actionNames: [String]
        /// All, where nothing is said.
        package var resourceArns: [String]
        package var maxItems: Int?
        package var marker: String?

        package init(policySourceArn: String, actionNames: [String], resourceArns: [String] = []) {
            self.policySourceArn = policySourceArn
            self.actionNames = actionNames
            self.resourceArns = resourceArns
        }

        package struct Output: Sendable, Codable, Equatable {
            package var evaluationResults: [EvaluationResult]
            package var isTruncated: Bool?
            package var marker: String?
        }

        package static func items(of page: Output) -> [EvaluationResult] { page.evaluationResults }

        package mutating func turn(after page: Output) throws -> Bool {
            guard page.isTruncated == true else { return false }
            return try advance(&marker, to: page.marker)
        }
    }

    package struct EvaluationResult: Sendable, Codable, Equatable {
        package var evalActionName: String
        package var evalResourceName: String?
        /// `allowed`, `explicitDeny` or `implicitDeny`.
        package var evalDecision: String
        /// What conditions ask for and the simulation was not told.
        package var missingContextValues: [String]
    }
}

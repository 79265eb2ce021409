import AWSCore

/// AWS Identity and Access Management: one endpoint for all regions of a partition.
package enum IAM {
    package static let service = Service(
        id: "IAM", signingName: "iam", version: "2010-05-08",
        global: [
            "": Endpoint(host: "iam.amazonaws.com", signingRegion: "us-east-1"),
            "cn-": Endpoint(host: "iam.cn-north-1.amazonaws.com.cn", signingRegion: "cn-north-1"),
            "us-gov-": Endpoint(host: "iam.us-gov.amazonaws.com", signingRegion: "us-gov-west-1"),
        ])

    /// Returns a role; an unknown name is a `NoSuchEntity` error.
    package struct GetRole: QueryOperation {
        package static let service = IAM.service
        package static let retrySafety = RetrySafety<Self>.harmless

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
        package var arn: String
    }

    /// Simulates what the policies of an identity allow, without performing any action. Permissions boundaries and
    /// policies of the organization are considered, resource policies are not.
    package struct SimulatePrincipalPolicy: QueryOperation, PagedOperation {
        package static let service = IAM.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// The ARN of a user, group or role; a role session is not supported.
        package var policySourceArn: String
        package var actionNames: [String]
        /// All resources by default.
        package var resourceArns: [String]
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
        /// `allowed`, `explicitDeny` or `implicitDeny`.
        package var evalDecision: String
        /// Context keys that conditions require but the simulation did not receive.
        package var missingContextValues: [String]
    }
}

import AWSCore
import FoundationEssentials

/// Identity and Access Management: one endpoint for all regions of a partition.
package enum IAM {
    package static let service = Service(
        id: "IAM", signingName: "iam", version: "2010-05-08",
        global: [
            "": Endpoint(host: "iam.amazonaws.com", signingRegion: "us-east-1"),
            "cn-": Endpoint(host: "iam.cn-north-1.amazonaws.com.cn", signingRegion: "cn-north-1"),
            "us-gov-": Endpoint(host: "iam.us-gov.amazonaws.com", signingRegion: "us-gov-west-1"),
        ])

    /// A user, by default the caller; refused with `ValidationError` where the caller is a role.
    package struct GetUser: QueryOperation {
        package static let service = IAM.service
        package static let repetition = Repetition<Self>.harmless

        package var userName: String?

        package struct Output: Sendable, Codable, Equatable {
            package var user: User
        }

        package init(userName: String? = nil) {
            self.userName = userName
        }
    }

    package struct User: Sendable, Codable, Equatable {
        package var path: String
        package var userName: String
        package var userId: String
        package var arn: String
        package var createDate: Date
    }
}

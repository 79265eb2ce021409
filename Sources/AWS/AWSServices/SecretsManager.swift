import AWSCore
import FoundationEssentials

/// AWS Secrets Manager, which provides the initial password of a release's sandbox.
package enum SecretsManager {
    package static let service = Service(
        id: "Secrets Manager", signingName: "secretsmanager", version: "2017-10-17", targetPrefix: "secretsmanager")

    package struct GetSecretValue: JSONOperation {
        package static let service = SecretsManager.service
        package static let retrySafety = RetrySafety<Self>.harmless

        /// The secret's name or ARN; other accounts require the ARN.
        package var secretId: String
        package var versionId: String?
        /// `AWSCURRENT` if neither version nor stage is given.
        package var versionStage: String?

        package init(secretId: String) {
            self.secretId = secretId
        }

        package struct Output: Sendable, Codable, Equatable {
            package var arn: String
            package var name: String
            package var versionId: String?
            /// `nil` if the secret was stored as binary data.
            package var secretString: String?
            package var secretBinary: Data?
            package var createdDate: Date?

            enum CodingKeys: String, CodingKey {
                case arn = "aRN"
                case name, versionId, secretString, secretBinary, createdDate
            }
        }
    }
}

extension SecretsManager.GetSecretValue.Output: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["arn": arn, "name": name] }
}

/// A value that contains a secret: printed, interpolated, dumped or mirrored, it reveals only what `shown` lists.
///
/// Secrets leak into logs through well-meant messages, so hiding them is not left to the code that prints.
package protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var shown: KeyValuePairs<String, Any> { get }
}

extension Redacted {
    package var description: String {
        let members = shown.map { "\($0.key): \($0.value)" } + ["…"]
        return "\(Self.self)(\(members.joined(separator: ", ")))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: shown) }
}

import AWSCore
import FoundationEssentials

/// Secrets Manager, from which a release takes the sandbox's first password.
package enum SecretsManager {
    package static let service = Service(
        id: "Secrets Manager", signingName: "secretsmanager", version: "2017-10-17", targetPrefix: "secretsmanager")

    package struct GetSecretValue: JSONOperation {
        package static let service = SecretsManager.service
        package static let repetition = Repetition<Self>.harmless

        /// Its name or its ARN; across accounts only the ARN.
        package var secretId: String
        package var versionId: String?
        /// `AWSCURRENT` where neither version nor stage is named.
        package var versionStage: String?

        package init(secretId: String) {
            self.secretId = secretId
        }

        package struct Output: Sendable, Codable, Equatable {
            package var arn: String
            package var name: String
            package var versionId: String?
            /// `nil` where the secret was stored as bytes.
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

extension SecretsManager.GetSecretValue.Output: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["arn": arn, "name": name] }
}

/// A value with a secret in it: printed, interpolated, dumped or mirrored, it shows what it lists and nothing else.
///
/// Secrets get into logs through messages that somebody writes in good faith, so that hiding them is not left to
/// whoever prints.
package protocol Discreet: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var shown: KeyValuePairs<String, Any> { get }
}

extension Discreet {
    package var description: String {
        let members = shown.map { "\($0.key): \($0.value)" } + ["…"]
        return "\(Self.self)(\(members.joined(separator: ", ")))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: shown) }
}

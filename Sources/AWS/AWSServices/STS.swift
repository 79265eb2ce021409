import AWSCore
import FoundationEssentials

/// AWS Security Token Service: the caller's identity and temporary credentials.
package enum STS {
    package static let service = Service(id: "STS", signingName: "sts", version: "2011-06-15")

    /// Returns the account and identity that the credentials belong to; requires no permission.
    package struct GetCallerIdentity: QueryOperation {
        package static let service = STS.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions: [String] = []

        package struct Output: Sendable, Codable, Equatable {
            package var userId: String
            package var account: String
            package var arn: String
        }

        package init() {}
    }

    /// Returns credentials of another role. A lost response leaves unused credentials, which are harmless.
    package struct AssumeRole: QueryOperation {
        package static let service = STS.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var roleArn: String
        package var roleSessionName: String
        /// Seconds, from 900 to the role's maximum; 3,600 by default, which is also the maximum for role chaining.
        package var durationSeconds: Int?
        package var externalId: String?
        package var serialNumber: String?
        /// The six-digit code of the MFA device; valid for one call.
        package var tokenCode: String?

        package typealias Output = IssuedCredentials

        package init(roleArn: String, roleSessionName: String) {
            self.roleArn = roleArn
            self.roleSessionName = roleSessionName
        }
    }

    /// Returns credentials for a web identity. Sent unsigned: the token authenticates the call.
    package struct AssumeRoleWithWebIdentity: QueryOperation {
        package static let service = STS.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions: [String] = []

        package var roleArn: String
        package var roleSessionName: String
        package var webIdentityToken: String
        package var durationSeconds: Int?

        package typealias Output = IssuedCredentials

        package init(roleArn: String, roleSessionName: String, webIdentityToken: String) {
            self.roleArn = roleArn
            self.roleSessionName = roleSessionName
            self.webIdentityToken = webIdentityToken
        }
    }

    package struct IssuedCredentials: Sendable, Codable, Equatable {
        package struct Key: Sendable, Codable, Equatable {
            package var accessKeyId: String
            package var secretAccessKey: String
            package var sessionToken: String
            package var expiration: Date
        }

        package var credentials: Key
    }
}

extension STS.IssuedCredentials.Key: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["accessKeyId": accessKeyId, "expiration": expiration] }
}

extension STS.AssumeRole: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["roleArn": roleArn, "roleSessionName": roleSessionName] }
}

extension STS.AssumeRoleWithWebIdentity: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["roleArn": roleArn, "roleSessionName": roleSessionName] }
}

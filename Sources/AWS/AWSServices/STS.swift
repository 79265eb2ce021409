import AWSCore
import FoundationEssentials

/// Security Token Service: who am I, and credentials for a time.
package enum STS {
    package static let service = Service(id: "STS", signingName: "sts", version: "2011-06-15")

    /// Needs no permission; tells which account and identity the credentials belong to.
    package struct GetCallerIdentity: QueryOperation {
        package static let service = STS.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions: [String] = []

        package struct Output: Sendable, Codable, Equatable {
            package var userId: String
            package var account: String
            package var arn: String
        }

        package init() {}
    }

    /// Another role's credentials. A lost answer leaves credentials that nobody holds, which does no harm.
    package struct AssumeRole: QueryOperation {
        package static let service = STS.service
        package static let repetition = Repetition<Self>.harmless

        package var roleArn: String
        package var roleSessionName: String
        /// 900 up to the role's maximum; 3,600 by default, and at most where a role assumes a role.
        package var durationSeconds: Int?
        package var externalId: String?
        package var serialNumber: String?
        /// The six digits that the MFA device shows; good for one call.
        package var tokenCode: String?

        package typealias Output = IssuedCredentials

        package init(roleArn: String, roleSessionName: String) {
            self.roleArn = roleArn
            self.roleSessionName = roleSessionName
        }
    }

    /// Sent without a signature: the token is the proof.
    package struct AssumeRoleWithWebIdentity: QueryOperation {
        package static let service = STS.service
        package static let repetition = Repetition<Self>.harmless
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

extension STS.IssuedCredentials.Key: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["accessKeyId": accessKeyId, "expiration": expiration] }
}

extension STS.AssumeRole: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["roleArn": roleArn, "roleSessionName": roleSessionName] }
}

extension STS.AssumeRoleWithWebIdentity: Discreet {
    package var shown: KeyValuePairs<String, Any> { ["roleArn": roleArn, "roleSessionName": roleSessionName] }
}

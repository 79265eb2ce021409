import AWSCore

/// The portal of IAM Identity Center, as far as an existing login needs it.
package enum SSO {
    package static let service = Service(
        id: "SSO", signingName: "awsssoportal", endpointPrefix: "portal.sso", version: "2019-06-10", keys: .camel)

    /// Returns the credentials of a role. Sent unsigned: the token authenticates the call.
    package struct GetRoleCredentials: RESTJSONOperation {
        package static let service = SSO.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions: [String] = []

        package var roleName: String
        package var accountId: String
        package var accessToken: String

        package struct Output: Sendable, Codable, Equatable {
            package var roleCredentials: Key
        }

        package struct Key: Sendable, Codable, Equatable {
            package var accessKeyId: String
            package var secretAccessKey: String
            package var sessionToken: String
            /// Expiration in milliseconds since 1970.
            package var expiration: Int64
        }

        package init(roleName: String, accountId: String, accessToken: String) {
            self.roleName = roleName
            self.accountId = accountId
            self.accessToken = accessToken
        }

        package func encode(into request: inout HTTPRequest) {
            request.method = .get
            request.path = "/federation/credentials"
            request.add(query: "role_name", roleName)
            request.add(query: "account_id", accountId)
            request.add(header: "x-amz-sso_bearer_token", accessToken)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeJSON(response, Self.service.keys)
        }
    }
}

/// The OIDC service of IAM Identity Center, which handles logins.
package enum SSOOIDC {
    package static let service = Service(
        id: "SSO OIDC", signingName: "sso-oauth", endpointPrefix: "oidc", version: "2019-06-10", keys: .camel)

    /// Renews a login with its refresh token. Sent unsigned: the token authenticates the call.
    package struct CreateToken: RESTJSONOperation, Encodable {
        package static let service = SSOOIDC.service
        package static let retrySafety = RetrySafety<Self>.harmless
        package static let permissions: [String] = []

        package var clientId: String
        package var clientSecret: String
        package var grantType: String
        package var refreshToken: String

        package struct Output: Sendable, Codable, Equatable {
            package var accessToken: String
            /// Lifetime in seconds.
            package var expiresIn: Int
            package var refreshToken: String?
        }

        package init(clientId: String, clientSecret: String, grantType: String, refreshToken: String) {
            self.clientId = clientId
            self.clientSecret = clientSecret
            self.grantType = grantType
            self.refreshToken = refreshToken
        }

        package func encode(into request: inout HTTPRequest) throws {
            request.path = "/token"
            request.add(header: "content-type", "application/json")
            request.body = try jsonBody(self, Self.service.keys)
        }

        package func decode(_ response: HTTPResponse) throws -> Output {
            try decodeJSON(response, Self.service.keys)
        }
    }
}

extension SSO.GetRoleCredentials: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["roleName": roleName, "accountId": accountId] }
}

extension SSO.GetRoleCredentials.Key: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["accessKeyId": accessKeyId, "expiration": expiration] }
}

extension SSOOIDC.CreateToken: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["grantType": grantType] }
}

extension SSOOIDC.CreateToken.Output: Redacted {
    package var shown: KeyValuePairs<String, Any> { ["expiresIn": expiresIn] }
}

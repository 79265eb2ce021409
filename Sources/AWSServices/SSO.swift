import AWSCore

/// The portal of IAM Identity Center, as far as a login that is there already needs it.
package enum SSO {
    package static let service = Service(
        id: "SSO", signingName: "awsssoportal", endpointPrefix: "portal.sso", version: "2019-06-10", keys: .camel)

    /// Sent without a signature: the token is the proof.
    package struct GetRoleCredentials: RESTJSONOperation {
        package static let service = SSO.service
        package static let repetition = Repetition<Self>.harmless
        package static let permissions: [String] = []

        package var roleName: String
        package var accountId: String
        package var accessToken: String

        package struct Output: Sendable, Decodable {
            package var roleCredentials: Key
        }

        package struct Key: Sendable, Decodable {
            package var accessKeyId: String
            package var secretAccessKey: String
            package var sessionToken: String
            /// Milliseconds since 1970.
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

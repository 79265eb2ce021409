import AWSCore
import Foundation
import Synchronization
import Testing

@testable import AWSIdentity

@Suite("Single sign-on")
struct SingleSignOnTests {
    static let session = """
        [profile dev]
        sso_session = my corp
        sso_account_id = 123456789012
        sso_role_name = Admin Role
        [sso-session 'my corp']
        sso_region = eu-west-1
        sso_start_url = https://corp.awsapps.com/start
        """
    static let legacy = """
        [profile dev]
        sso_region = eu-west-1
        sso_start_url = https://corp.awsapps.com/start
        sso_account_id = 123456789012
        sso_role_name = Admin Role
        """

    static func token(_ expires: String) -> String {
        #"{"accessToken": "sso-sEcReT", "expiresAt": "\#(expires)", "region": "eu-west-1"}"#
    }

    static let answer = """
        {"roleCredentials": {"accessKeyId": "ASIASSO", "secretAccessKey": "s", "sessionToken": "t",
        "expiration": 1800003600000}}
        """

    /// The token is stored where the AWS CLI puts it, under both possible names.
    private func pretend(_ config: String, _ token: String?, _ answer: HTTPResponse = .text(answer)) -> FakeWorld {
        let pretend = FakeWorld(config: config) { _ in answer }
        for file in ["my corp", "https://corp.awsapps.com/start"].map(Self.path) {
            pretend.state.withLock { $0.files[file] = token }
        }
        return pretend
    }

    private static func path(_ name: String) -> String { "/home/ada/.aws/sso/cache/\(sha1(name)).json" }

    @Test(
        "the token of a login is exchanged, with its own region and without a signature", arguments: [session, legacy])
    func exchange(_ config: String) async throws {
        let pretend = pretend(config, Self.token("2027-01-15T09:00:00UTC"))
        let credentials = try await pretend.credentials(profile: "dev")
        #expect(credentials.accessKeyID == "ASIASSO")
        #expect(credentials.expiration == Date(timeIntervalSince1970: 1_800_003_600))
        let request = try #require(pretend[\.requests].first)
        #expect(
            request.url == "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
                + "?role_name=Admin%20Role&account_id=123456789012")
        #expect(request.headers.contains(.init("x-amz-sso_bearer_token", "sso-sEcReT")))
        #expect(!request.headers.contains { $0.name == "authorization" })
    }

    @Test("the cache file is named like botocore's")
    func names() async throws {
        let script = """
            from botocore.utils import SSOTokenLoader
            answer = [SSOTokenLoader()._generate_cache_key("https://corp.awsapps.com/start", name) for name in ("my corp", None)]
            """
        let expected = try await Botocore.ask(script, [:]) as? [String]
        #expect(expected == ["my corp", "https://corp.awsapps.com/start"].map(sha1))
    }

    static func renewable(_ expires: String, registration: String = "2027-03-01T00:00:00Z") -> String {
        """
        {"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": "old-token",
        "expiresAt": "\(expires)", "clientId": "id", "clientSecret": "sEcReT", "refreshToken": "refresh-1",
        "registrationExpiresAt": "\(registration)"}
        """
    }

    static let renewal = #"{"accessToken": "new-token", "expiresIn": 3600, "refreshToken": "refresh-2"}"#

    @Test("a session login is renewed in its last 15 minutes, and stored for the AWS CLI")
    func renewed() async throws {
        let pretend = pretend(Self.session, Self.renewable("2027-01-15T07:00:00Z"))
        pretend[\.answer] = { .text($0.path == "/token" ? Self.renewal : Self.answer) }
        #expect(try await pretend.credentials(profile: "dev").accessKeyID == "ASIASSO")
        #expect(pretend[\.requests].map(\.path) == ["/token", "/federation/credentials"])
        #expect(pretend[\.requests][0].url == "https://oidc.eu-west-1.amazonaws.com/token")
        #expect(pretend[\.requests][0].form.contains(#""refreshToken":"refresh-1""#))
        #expect(pretend[\.requests][1].headers.contains(.init("x-amz-sso_bearer_token", "new-token")))
        let kept = try #require(pretend[\.written][Self.path("my corp")])
        let token = try JSONDecoder().decode(SSOToken.self, from: Data(kept.utf8))
        #expect(token.accessToken == "new-token")
        #expect(token.refreshToken == "refresh-2")
        #expect(token.expiresAt == "2027-01-15T09:00:00Z")
        #expect(token.clientSecret == "sEcReT")
    }

    @Test("after a rejected renewal, the old token is used while valid")
    func refusedRenewal() async throws {
        let pretend = pretend(Self.session, Self.renewable("2027-01-15T08:05:00Z"))
        pretend[\.answer] = {
            $0.path == "/token" ? .text(#"{"error": "invalid_grant"}"#, status: 400) : .text(Self.answer)
        }
        #expect(try await pretend.credentials(profile: "dev").accessKeyID == "ASIASSO")
        #expect(pretend[\.requests].last?.headers.contains(.init("x-amz-sso_bearer_token", "old-token")) == true)
        pretend[\.now] += 600
        let error = try await #require(throws: IdentityError.self) { try await pretend.credentials(profile: "dev") }
        #expect(error.advice == "aws sso login --sso-session 'my corp'")
    }

    static let refusals: [(config: String, token: String?, status: Int, text: String, advice: String)] = [
        (session, nil, 200, "no login found", "aws sso login --sso-session 'my corp'"),
        (legacy, nil, 200, "no login found", "aws sso login --profile dev"),
        (
            session, token("2027-01-15T07:00:00Z"), 200, "expired at 2027-01-15T07:00:00Z",
            "aws sso login --sso-session 'my corp'"
        ),
        (session, "{\"accessToken\": \"sso-sEcReT\"", 200, "is invalid", "aws sso login --sso-session 'my corp'"),
        (legacy, token("2027-01-15T09:00:00Z"), 401, "no longer valid", "aws sso login --profile dev"),
    ]

    @Test("an unusable login: the error names the command to run", arguments: refusals.indices)
    func refusal(_ index: Int) async throws {
        let (config, token, status, text, advice) = Self.refusals[index]
        var answer = HTTPResponse.text(status == 200 ? Self.answer : #"{"message": "sso-sEcReT"}"#, status: status)
        answer.headers = [.init("x-amzn-errortype", "UnauthorizedException")]
        let pretend = pretend(config, token, answer)
        let error = try await #require(throws: IdentityError.self) { try await pretend.credentials(profile: "dev") }
        #expect(error.kind == .credentials)
        #expect(error.message.contains(text), "\(error)")
        #expect(error.advice == advice)
        #expect(!"\(error)".contains("sso-sEcReT"))
    }
}

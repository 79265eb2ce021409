import AWSCore
import Foundation
import Testing

@testable import AWSIdentity

/// No secret is revealed by printing, dumping or mirroring.
@Suite("Secrecy")
struct SecrecyTests {
    static let config = """
        [default]
        aws_access_key_id = AKIA
        aws_secret_access_key = sEcReT
        aws_session_token = sEcReT
        s3 =
          key = sEcReT
        """

    private func expectDiscreet(_ value: some Any, _ comment: Comment) {
        var text = "\(value) \(String(reflecting: value)) \(String(describing: Optional(value)))"
        dump(value, to: &text)
        #expect(!text.contains("sEcReT"), comment)
    }

    @Test("is kept by all types that hold secrets")
    func holders() async throws {
        let pretend = FakeWorld(
            environment: ["AWS_SECRET_ACCESS_KEY": "sEcReT"], config: Self.config)
        expectDiscreet(pretend.world, "world")
        let files = try ConfigurationFiles(pretend.world)
        expectDiscreet(files, "files")
        expectDiscreet(files.profiles["default"], "profile")
        let choice = try ProfileChoice(flag: nil, files, pretend.world)
        let endpoints = try Endpoints(choice.profile, files, pretend.world)
        let chain = CredentialChain(
            world: pretend.world, files: files, choice: choice, endpoints: endpoints, region: "a-1")
        expectDiscreet(chain, "chain")
        expectDiscreet(try await chain.route(), "route")
        let identity = try await pretend.find()
        expectDiscreet(identity, "identity")
        let credentials = try await identity.keeper.credentials(insteadOf: nil)
        #expect(credentials.secretAccessKey == "sEcReT")
        expectDiscreet(credentials, "credentials")
        expectDiscreet(identity.keeper, "keeper")
        expectDiscreet(SSOToken(accessToken: "sEcReT", expiresAt: "x", refreshToken: "sEcReT"), "sign-on")
        expectDiscreet(GitHubToken(url: "x", bearer: "sEcReT", world: pretend.world), "GitHub")
        expectDiscreet(
            MetadataRequest(name: "x", url: "http://x/y?z=sEcReT", headers: [.init("authorization", "sEcReT")]), "call")
        let document = #"{"AccessKeyId": "A", "SecretAccessKey": "sEcReT", "Token": "sEcReT"}"#
        expectDiscreet(try JSONDecoder().decode(CredentialDocument.self, from: Data(document.utf8)), "document")
    }
}

import AWSCore
import Foundation
import Testing

@testable import AWSIdentity

/// The request of each credential source, and the handling of the response.
@Suite("Credential sources")
struct SourceTests {
    static let base = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = sEcReT\n"
    static let role = """
        [profile dev]
        role_arn = arn:aws:iam::123456789012:role/deploy
        source_profile = base
        external_id = x y
        role_session_name = ada
        duration_seconds = 900
        mfa_serial = arn:aws:iam::123456789012:mfa/ada
        """
    static let document = """
        {"AccessKeyId": "ASIADOC", "SecretAccessKey": "doc-secret", "Token": "doc-token",
        "Expiration": "2027-01-15T09:00:00Z", "Version": 1}
        """

    @Test("a role is assumed with all settings of the profile, and cached for the next command")
    func assumedRole() async throws {
        let pretend = FakeWorld(config: Self.role, credentials: Self.base) { _ in .issued("AssumeRole") }
        let credentials = try await pretend.credentials(profile: "dev")
        #expect(credentials.accessKeyID == "ASIAROLE")
        #expect(credentials.expiration == Date(timeIntervalSince1970: 1_800_003_600))
        #expect(pretend[\.prompts] == ["arn:aws:iam::123456789012:mfa/ada"])
        let request = try #require(pretend[\.requests].first)
        #expect(request.endpoint.host == "sts.us-east-1.amazonaws.com")
        for part in [
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy", "ExternalId=x%20y", "RoleSessionName=ada",
            "DurationSeconds=900", "SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fada", "TokenCode=123456",
        ] { #expect(request.form.split(separator: "&").contains { $0 == part }, "\(part)") }
        let again = try await pretend.credentials(profile: "dev")
        #expect(again.accessKeyID == "ASIAROLE")
        #expect(again.origin.contains("cached in ~/.aws/cli/cache/"))
        #expect(pretend[\.requests].count == 1)
        #expect(pretend[\.prompts].count == 1)
    }

    @Test("rejected credentials are not reused from the cache")
    func refused() async throws {
        let pretend = FakeWorld(config: Self.role, credentials: Self.base) { _ in .issued("AssumeRole") }
        let keeper = try await pretend.find(profile: "dev").keeper
        let first = try await keeper.credentials(insteadOf: nil)
        pretend[\.answer] = { _ in .issued("AssumeRole", key: "ASIANEW") }
        #expect(try await keeper.credentials(insteadOf: first).accessKeyID == "ASIANEW")
    }

    @Test("roles are chained")
    func chained() async throws {
        let config = """
            [profile a]
            role_arn = arn:aws:iam::1:role/a
            source_profile = b
            [profile b]
            role_arn = arn:aws:iam::1:role/b
            source_profile = base
            """
        let pretend = FakeWorld(config: config, credentials: Self.base) { request in
            .issued("AssumeRole", key: request.form.contains("role%2Fa") ? "ASIAA" : "ASIAB")
        }
        #expect(try await pretend.credentials(profile: "a").accessKeyID == "ASIAA")
        let signers = pretend[\.requests].compactMap { request in
            request.headers.first { $0.name == "authorization" }?.value.firstMatch(of: /Credential=(\w+)\//)?.1
        }
        #expect(signers == ["AKIABASE", "ASIAB"])
    }

    @Test("the error for a denied role names the profile and hides the MFA code")
    func refusedRole() async throws {
        let pretend = FakeWorld(config: Self.role, credentials: Self.base) { _ in
            .text(
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no: 123456</Message></Error></ErrorResponse>",
                status: 403)
        }
        let error = try await #require(throws: AWSError.self) { try await pretend.credentials(profile: "dev") }
        #expect(error.kind == .denied)
        #expect(error.message.hasPrefix("no: *** (credentials: role of profile dev, ~/.aws/config:2"))
    }

    @Test("a web identity is sent unsigned and read again")
    func webIdentity() async throws {
        let pretend = FakeWorld(
            environment: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web",
                "AWS_ROLE_SESSION_NAME": "pod", "AWS_REGION": "eu-west-1",
            ], files: ["/token": "web-token\n"]
        ) { _ in .issued("AssumeRoleWithWebIdentity") }
        #expect(try await pretend.credentials().accessKeyID == "ASIAROLE")
        let request = try #require(pretend[\.requests].first)
        #expect(request.endpoint.host == "sts.eu-west-1.amazonaws.com")
        #expect(
            request.form.contains("WebIdentityToken=web-token&") || request.form.hasSuffix("WebIdentityToken=web-token")
        )
        #expect(request.form.contains("RoleSessionName=pod"))
        #expect(!request.headers.contains { $0.name == "authorization" })
    }

    @Test("the token of a GitHub workflow is requested and exchanged")
    func gitHub() async throws {
        let pretend = FakeWorld(environment: ChainTests.gitHub) { request in
            request.endpoint.host == "github" ? .text("{\"value\": \"jwt\"}") : .issued("AssumeRoleWithWebIdentity")
        }
        #expect(try await pretend.credentials().accessKeyID == "ASIAROLE")
        let requests = pretend[\.requests]
        #expect(requests.first?.url == "https://github/token?v=2&audience=sts.amazonaws.com")
        #expect(requests.first?.headers.contains(.init("authorization", "bearer sEcReT")) == true)
        #expect(requests.last?.form.contains("WebIdentityToken=jwt") == true)
        #expect(pretend[\.written].isEmpty)
    }

    @Test("the container agent is called at the ECS address, with the token from the file")
    func container() async throws {
        let pretend = FakeWorld(
            environment: [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/creds?id=1",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/pod",
            ], files: ["/pod": "Bearer pod\n"]
        ) { _ in .text(Self.document) }
        #expect(try await pretend.credentials().accessKeyID == "ASIADOC")
        #expect(pretend[\.requests].first?.url == "http://169.254.170.2/v2/creds?id=1")
        #expect(pretend[\.requests].first?.headers.contains(.init("authorization", "Bearer pod")) == true)
    }

    static let containers: [(url: String, isTaken: Bool)] = [
        ("https://example.com/x", true), ("http://127.0.0.1:8080/x", true), ("http://127.8.9.1/", true),
        ("http://localhost:1/x", true), ("http://[::1]:8/x", true), ("http://169.254.170.2/v3", true),
        ("http://169.254.170.23/v1/credentials", true), ("http://[fd00:ec2::23]/v1/credentials", true),
        ("http://example.com/", false), ("http://127.0.0.1.example.com/", false), ("http://127.0.0.256/", false),
        ("http://169.254.170.24/", false), ("http://localhost.example.com/", false), ("http://10.0.0.1/", false),
        ("http://localhost@example.com/", false), ("ftp://localhost/", false), ("http://[fd00:ec2::24]/", false),
        ("http://127.0.0.1#@example.com/", false),
    ]

    @Test("without TLS, container credentials come only from local addresses", arguments: containers)
    func containerHosts(_ url: String, _ isTaken: Bool) async throws {
        let pretend = FakeWorld(environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) { _ in .text(Self.document)
        }
        if isTaken {
            #expect(try await pretend.credentials().accessKeyID == "ASIADOC")
        } else {
            await #expect(throws: IdentityError.self) { try await pretend.credentials() }
            #expect(pretend[\.requests].isEmpty)
        }
    }

    @Test("a failing container agent is called three times")
    func containerRetry() async throws {
        let pretend = FakeWorld(environment: ChainTests.container) { _ in .text("", status: 503) }
        let error = try await #require(throws: IdentityError.self) { try await pretend.credentials() }
        #expect(error.message.contains("HTTP status 503"))
        #expect(pretend[\.requests].count == 3)
        #expect(pretend[\.slept] == [.seconds(1), .seconds(1)])
    }

    @Test("instance metadata requires a token first; its region is the default")
    func instance() async throws {
        let pretend = FakeWorld { request in
            if request.method == .put { return .text("imds-token") }
            guard request.headers.contains(.init("x-aws-ec2-metadata-token", "imds-token")) else {
                return .text("", status: 401)
            }
            if request.path.hasSuffix("/placement/region") { return .text("eu-south-2") }
            return .text(request.path.hasSuffix("/") ? "the-role\n" : Self.document)
        }
        let identity = try await pretend.find()
        #expect(identity.region == Setting("eu-south-2", origin: "instance metadata"))
        let credentials = try await identity.keeper.credentials(insteadOf: nil)
        #expect(credentials.accessKeyID == "ASIADOC")
        #expect(credentials.origin == "instance metadata, role the-role")
        #expect(pretend[\.requests].last?.path == "/latest/meta-data/iam/security-credentials/the-role")
    }

    @Test("a credential process runs with its configured arguments")
    func process() async throws {
        let pretend = FakeWorld(config: "[default]\ncredential_process = /opt/my\\ tool --user 'a b'\n")
        pretend[\.output] = .success(Self.document.replacing("\"Token\"", with: "\"SessionToken\""))
        let credentials = try await pretend.credentials()
        #expect(credentials.sessionToken == "doc-token")
        #expect(pretend[\.commands] == [["/opt/my tool", "--user", "a b"]])
    }

    static let outputs: [(Result<String, CredentialProcessFailure>, String)] = [
        (.failure(.init("ended with exit code 3")), "ended with exit code 3"),
        (.success("sEcReT"), "not valid JSON"),
        (.success(document.replacing("\"Version\": 1", with: "\"Version\": 2")), "version 1"),
        (.success(#"{"Version": 1, "AccessKeyId": "sEcReT"}"#), "SecretAccessKey is missing"),
        (.success(#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": 5}"#), "SecretAccessKey has the wrong type"),
        (.success(document.replacing("2027-01-15T09", with: "2027-01-15T07")), "expired at 2027-01-15T07:00:00Z"),
        (.success(document.replacing("2027-01-15T09:00:00Z", with: "sEcReT")), "Expiration is not a time"),
    ]

    @Test("the error for a bad credential process does not quote its output", arguments: outputs.indices)
    func badProcess(_ index: Int) async throws {
        let pretend = FakeWorld(config: "[default]\ncredential_process = x\n")
        pretend[\.output] = Self.outputs[index].0
        let error = try await #require(throws: IdentityError.self) { try await pretend.credentials() }
        #expect(error.kind == .credentials)
        #expect("\(error)".contains(Self.outputs[index].1), "\(error)")
        for secret in ["sEcReT", "doc-secret", "doc-token"] { #expect(!"\(error)".contains(secret)) }
    }

    @Test("expired environment credentials are reported, not used")
    func expiredVariables() async throws {
        let pretend = FakeWorld(
            environment: ChainTests.environment.merging(["AWS_CREDENTIAL_EXPIRATION": "2027-01-15T07:00:00Z"]) { $1 })
        let error = try await #require(throws: IdentityError.self) { try await pretend.credentials() }
        #expect(error.message.contains("expired at 2027-01-15T07:00:00Z"))
    }
}

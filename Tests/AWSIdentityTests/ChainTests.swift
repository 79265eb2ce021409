import AWSCore
import Foundation
import Testing
import Workbench

@testable import AWSIdentity

/// Which credential source takes precedence, and what the error says if there is none.
@Suite("Credential chain")
struct ChainTests {
    static let keys = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = sEcReT\n"
    static let environment = ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "sEcReT"]
    static let web = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"]
    static let gitHub = [
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://github/token?v=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "sEcReT",
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/ci",
    ]
    static let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/creds"]
    static let role = "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"

    struct Case: Sendable {
        var environment: [String: String]
        var config: String? = nil
        var credentials: String? = nil
        var profile: String? = nil
        var origin: String

        static func + (one: Case, more: [String: String]) -> Case {
            var sum = one
            sum.environment.merge(more) { $1 }
            return sum
        }
    }

    static let order: [Case] = [
        Case(environment: environment, credentials: keys, origin: "environment, AWS_ACCESS_KEY_ID"),
        Case(
            environment: environment, credentials: keys, profile: "default",
            origin: "profile default, ~/.aws/credentials:2"),
        Case(environment: environment, config: role, credentials: keys, origin: "environment, AWS_ACCESS_KEY_ID"),
        Case(
            environment: ["AWS_PROFILE": "default"].merging(environment) { $1 }, credentials: keys,
            origin: "environment, AWS_ACCESS_KEY_ID"),
        Case(environment: [:], credentials: keys, origin: "profile default, ~/.aws/credentials:2"),
        Case(environment: [:], config: keys, origin: "profile default, ~/.aws/config:2"),
        Case(
            environment: [:], config: "[default]\naws_access_key_id=A\naws_secret_access_key=s\n", credentials: keys,
            origin: "profile default, ~/.aws/credentials:2"),
        Case(
            environment: [:], config: "[default]\ncredential_process = x\n", credentials: keys,
            origin: "profile default, ~/.aws/credentials:2"),
        Case(
            environment: [:], config: keys + "credential_process = x\n",
            origin: "credential_process of profile default, ~/.aws/config:4"),
        Case(
            environment: web, config: role, credentials: keys,
            origin: "role of profile default, ~/.aws/config:2, assumed from profile default, ~/.aws/credentials:2"),
        Case(environment: web, credentials: keys, origin: "web identity, AWS_WEB_IDENTITY_TOKEN_FILE"),
        Case(environment: web, credentials: keys, profile: "default", origin: "profile default, ~/.aws/credentials:2"),
        Case(environment: gitHub, credentials: keys, origin: "profile default, ~/.aws/credentials:2"),
        Case(environment: gitHub, origin: "GitHub workflow, AWS_ROLE_ARN"),
        Case(environment: gitHub.merging(container) { $1 }, origin: "GitHub workflow, AWS_ROLE_ARN"),
        Case(environment: container, origin: "container, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        Case(
            environment: ["AWS_DEFAULT_PROFILE": "b", "AWS_PROFILE": "a"],
            credentials: keys.replacing("default", with: "a"), origin: "profile a, ~/.aws/credentials:2"),
        Case(
            environment: ["AWS_PROFILE": "a"].merging(container) { $1 }, config: "[profile a]\nregion = x-1\n",
            origin: "container, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    ]

    @Test("sources are tried in the order of the AWS CLI", arguments: order)
    func wins(_ one: Case) async throws {
        let pretend = FakeWorld(environment: one.environment, config: one.config, credentials: one.credentials)
        #expect(try await pretend.find(profile: one.profile).origin == one.origin)
    }

    @Test("nothing found: what was tried, in order, and what was missing")
    func nothing() async throws {
        let error = try await #require(throws: IdentityError.self) { try await FakeWorld().find() }
        #expect(error.kind == .credentials)
        #expect(
            error.details == [
                "environment        AWS_ACCESS_KEY_ID is not set",
                "profile default    neither ~/.aws/config nor ~/.aws/credentials exists",
                "web identity       AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                "GitHub workflow    ACTIONS_ID_TOKEN_REQUEST_URL and …_TOKEN are not set",
                "container          AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and …_FULL_URI are not set",
                "instance metadata  no response from http://169.254.169.254/latest/api/token (instance metadata): "
                    + "nobody is at 169.254.169.254",
            ])
        #expect(error.advice?.contains("aws configure") == true)
    }

    @Test("instance metadata is requested at most twice, and never if disabled")
    func instanceAttempts() async throws {
        let pretend = FakeWorld()
        _ = try? await pretend.find()
        #expect(pretend[\.requests].count == 2)
        let disabled = FakeWorld(environment: ["AWS_EC2_METADATA_DISABLED": "True"])
        _ = try? await disabled.find()
        #expect(disabled[\.requests].isEmpty)
    }

    /// botocore's name of each source, and the prefix of our origin.
    static let methods = [
        "env": "environment", "shared-credentials-file": "profile ", "config-file": "profile ",
        "assume-role": "role of", "assume-role-with-web-identity": "web identity",
    ]

    @Test("botocore finds the same credentials in the sources that it supports offline")
    func botocoreOrder() async throws {
        let script = """
            import botocore.session, os
            answer = []
            for case in question:
                os.environ.update(case["environment"], AWS_EC2_METADATA_DISABLED="true")
                session = botocore.session.Session(profile=case["profile"])
                found = session.get_credentials()
                answer.append([found.method, found.access_key if found.method in ("env", "shared-credentials-file", "config-file") else ""])
            """
        for one in Self.order where !one.origin.contains(/container|GitHub|process/) {
            try await withTemporaryDirectory { home in
                try makeDirectory("\(home)/.aws")
                if let config = one.config { try writeAtomically(config, to: "\(home)/.aws/config") }
                if let keys = one.credentials { try writeAtomically(keys, to: "\(home)/.aws/credentials") }
                // Like version 1 of the AWS CLI, botocore prefers AWS_DEFAULT_PROFILE.
                let environment = one.environment.filter { $0.key != "AWS_DEFAULT_PROFILE" }
                let question = [["environment": environment, "profile": one.profile as Any? ?? NSNull()]] as [Any]
                let answer = try await Botocore.ask(script, question, home: home) as? [[String]]
                let method = try #require(answer?.first?.first)
                #expect(one.origin.hasPrefix(Self.methods[method] ?? "?"), "\(method), not \(one.origin)")
                let pretend = FakeWorld(environment: environment, config: one.config, credentials: one.credentials)
                guard let key = answer?.first?.last, !key.isEmpty else { return }
                #expect(try await pretend.credentials(profile: one.profile).accessKeyID == key)
            }
        }
    }

    struct Mistake: Sendable {
        var environment: [String: String] = [:]
        var config: String? = nil
        var credentials: String? = nil
        var profile: String? = nil
        var kind: IdentityError.Kind
        var text: String
    }

    static let mistakes: [Mistake] = [
        Mistake(
            credentials: keys, profile: "defualt", kind: .usage, text: "there is no profile 'defualt' (--aws-profile)"),
        Mistake(
            environment: ["AWS_PROFILE": "x"], credentials: keys, kind: .usage,
            text: "there is no profile 'x' (AWS_PROFILE)"),
        Mistake(
            config: "[dev]\nregion=a-1\n", profile: "dev", kind: .usage,
            text: "config:1:1: error: [dev] must be [profile dev] here"),
        Mistake(
            config: "[profile a]\nregion=a-1\n", profile: "a", kind: .credentials,
            text: "profile 'a' has no credentials: no access key"),
        Mistake(environment: ["AWS_ACCESS_KEY_ID": "A"], kind: .credentials, text: "AWS_SECRET_ACCESS_KEY is not"),
        Mistake(
            credentials: "[default]\naws_access_key_id = A\n", kind: .files,
            text: "credentials:2:1: error: aws_access_key_id has no matching aws_secret_access_key"),
        Mistake(
            credentials: "[default]\naws_access_key_id = A\naws_secret_access_key = sEcReT x\n", kind: .files,
            text: "credentials:3:1: error: a key must not be empty"),
        Mistake(
            config: "[default]\nrole_arn = r\n", kind: .files,
            text: "config:2:1: error: role_arn requires source_profile"),
        Mistake(
            config: "[default]\nrole_arn = r\nsource_profile = x\n", kind: .files,
            text: "config:3:1: error: there is no profile 'x'"),
        Mistake(
            config: "[default]\nrole_arn = r\nsource_profile = x\ncredential_source = Environment\n", kind: .files,
            text: "mutually exclusive"),
        Mistake(
            config: "[default]\nrole_arn = r\ncredential_source = environment\n", kind: .files,
            text: "must be Environment"),
        Mistake(
            config: "[default]\nrole_arn = r\ncredential_source = Environment\n", kind: .credentials,
            text: "uses credential_source Environment, but AWS_ACCESS_KEY_ID is not set"),
        Mistake(
            config: "[default]\nrole_arn = r\nsource_profile = default\n", kind: .files,
            text: "source_profile cycle: default → default"),
        Mistake(
            config:
                "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=r\nsource_profile=c\n[profile c]\nrole_arn=r\nsource_profile=a\n",
            profile: "a", kind: .files, text: "source_profile cycle: a → b → c → a"),
        Mistake(
            config: "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nregion=x-1\n", profile: "a", kind: .files,
            text: "profile 'b' has no credentials"),
        Mistake(
            config: "[default]\nrole_arn = r\nsource_profile = default\nduration_seconds = 1h\n", credentials: keys,
            kind: .files, text: "config:4:1: error: duration_seconds must be a number of seconds"),
        Mistake(
            config: "[default]\ncredential_process = 'sEcReT\n", kind: .files,
            text: "config:2:1: error: credential_process has an unterminated quote"),
        Mistake(
            config: "[default]\nsso_account_id = 1\nsso_session = x\n", kind: .files,
            text: "there is no section [sso-session x]"),
        Mistake(
            config: "[default]\nsso_account_id = 1\n", kind: .files,
            text: "missing settings for single sign-on: sso_role_name, sso_region, sso_start_url"),
        Mistake(
            config: "[default]\nsso_account_id=1\nsso_role_name=r\nsso_start_url=u\nsso_region=x.evil.com/\n",
            kind: .files, text: "config:5:1: error: 'x.evil.com/' from ~/.aws/config:5 is not the name of a region"),
        Mistake(
            environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"], kind: .credentials,
            text: "no role for the web identity"),
        Mistake(
            environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"], kind: .usage,
            text: "plain HTTP URL of a remote host"),
        Mistake(
            environment: ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "x"], kind: .usage, text: "must start with '/'"),
        Mistake(environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "x"], kind: .usage, text: "is not a URL"),
        Mistake(
            environment: environment.merging(["AWS_CREDENTIAL_EXPIRATION": "soon"]) { $1 }, kind: .usage,
            text: "AWS_CREDENTIAL_EXPIRATION"),
    ]

    @Test("an error names the problem and its location, never a value", arguments: mistakes.indices)
    func told(_ index: Int) async throws {
        let mistake = Self.mistakes[index]
        let pretend = FakeWorld(
            environment: mistake.environment, config: mistake.config, credentials: mistake.credentials)
        let error = try await #require(throws: IdentityError.self) { try await pretend.find(profile: mistake.profile) }
        #expect(error.kind == mistake.kind)
        #expect("\(error)".contains(mistake.text), "\(error)")
        #expect(!"\(error)".contains("sEcReT"))
    }

    @Test("a token in a file is text without control characters, and a mark in front of it is no part of it")
    func tokenFile() throws {
        let files = ["/good": "\u{FEFF}sEcReT\r\n", "/zero": "sEcReT\0", "/latin": "sEcReT\u{FFFD}"]
        let world = FakeWorld(files: files).world
        #expect(try world.token(in: "/good", for: "web identity") == "sEcReT")
        for (path, reason) in [("/zero", "contains a control character"), ("/latin", "is not UTF-8 text")] {
            let error = try #require(throws: IdentityError.self) { try world.token(in: path, for: "web identity") }
            #expect("\(error)".contains("web identity: \(path) \(reason)") && !"\(error)".contains("sEcReT"))
        }
    }
}

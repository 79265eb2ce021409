import AWSTestSupport
import Foundation
import Testing
import Workbench

@testable import AWSIdentity

/// The real program against an emulated AWS: each source of credentials, as a new user would try it.
@Suite("dss whoami", .serialized, .timeLimit(.minutes(3)))
struct WhoamiTests {
    struct Source: Sendable, CustomTestStringConvertible {
        var name: String
        var arguments: [String] = []
        var environment: [String: String] = [:]
        var config: String? = nil
        var credentials: String? = nil
        var files: [String: String] = [:]
        var knobs: [String: String] = [:]
        var arn: String
        var origin: String
        var expires = true
        var testDescription: String { name }
    }

    static let user = "arn:aws:iam::123456789012:user/emulator"
    static func session(_ role: String) -> String { "arn:aws:sts::123456789012:assumed-role/\(role)/" }
    static let web =
        "[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\nweb_identity_token_file = <home>/token\n"
    static let signOn = """
        [profile corp]
        sso_session = corp
        sso_account_id = 123456789012
        sso_role_name = Admin
        [sso-session corp]
        sso_region = eu-west-1
        sso_start_url = https://corp.awsapps.com/start
        """

    static let sources = [
        Source(
            name: "environment", environment: WhoamiUser.variables, arn: user, origin: "environment, AWS_ACCESS_KEY_ID",
            expires: false),
        Source(
            name: "a profile by flag", arguments: ["--aws-profile", "base"],
            environment: ["AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"],
            credentials: "[base]\n\(WhoamiUser.keys)", arn: user, origin: "profile base, ~/.aws/credentials:2",
            expires: false),
        Source(
            name: "a profile by variable", environment: ["AWS_PROFILE": "base"],
            config: "[profile base]\n\(WhoamiUser.keys)", arn: user, origin: "profile base, ~/.aws/config:2",
            expires: false),
        Source(
            name: "the default profile", credentials: "[default]\n\(WhoamiUser.keys)", arn: user,
            origin: "profile default, ~/.aws/credentials:2", expires: false),
        Source(
            name: "a role with a source profile", arguments: ["--aws-profile", "dev"],
            config: "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = base\n",
            credentials: "[base]\n\(WhoamiUser.keys)", arn: session("deploy"),
            origin: "role of profile dev, ~/.aws/config:2, assumed from profile base, ~/.aws/credentials:2"),
        Source(
            name: "a role with keys of the environment", arguments: ["--aws-profile", "dev"],
            environment: WhoamiUser.variables,
            config: "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/deploy\n"
                + "credential_source = Environment\nrole_session_name = ada\n",
            arn: session("deploy") + "ada",
            origin: "role of profile dev, ~/.aws/config:2, assumed from environment, AWS_ACCESS_KEY_ID"),
        Source(
            name: "a role with the instance's credentials", arguments: ["--aws-profile", "dev"],
            environment: ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "<emulator>"],
            config: "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/deploy\n"
                + "credential_source = Ec2InstanceMetadata\n",
            arn: session("deploy"),
            origin: "role of profile dev, ~/.aws/config:2, assumed from instance metadata, "
                + "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
        Source(
            name: "a process", arguments: ["--aws-profile", "vault"],
            environment: ["AWS_SECRET_ACCESS_KEY": "process-sEcReT"],
            config: "[profile vault]\ncredential_process = /bin/sh '<home>/my vault.sh' --fast\n",
            files: [
                "my vault.sh": """
                [ "$1 $AWS_SECRET_ACCESS_KEY" = '--fast process-sEcReT' ] || exit 3
                echo 'touch your key' >&2
                echo '{"Version": 1, "AccessKeyId": "\(WhoamiUser.key)", "SecretAccessKey": "\(WhoamiUser.secret)"}'

                """
            ], arn: user, origin: "credential_process of profile vault, ~/.aws/config:2", expires: false),
        Source(
            name: "single sign-on", environment: ["AWS_PROFILE": "corp"], config: signOn,
            files: ["corp": #"{"accessToken": "emulator-sso-token", "expiresAt": "2099-01-01T00:00:00Z"}"#],
            arn: session("AWSReservedSSO_Admin"), origin: "single sign-on of profile corp, ~/.aws/config:3"),
        Source(
            name: "single sign-on with a token to renew", arguments: ["--aws-profile", "corp"], config: signOn,
            files: [
                "corp": """
                {"accessToken": "old", "expiresAt": "2020-01-01T00:00:00Z", "clientId": "id",
                "clientSecret": "web-sEcReT", "refreshToken": "process-sEcReT",
                "registrationExpiresAt": "2099-01-01T00:00:00Z"}
                """
            ], arn: session("AWSReservedSSO_Admin"), origin: "single sign-on of profile corp, ~/.aws/config:3"),
        Source(
            name: "a web identity of the environment",
            environment: [
                "AWS_WEB_IDENTITY_TOKEN_FILE": "<home>/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod",
                "AWS_ROLE_SESSION_NAME": "pod-1",
            ], files: ["token": "web-sEcReT\n"], arn: session("pod") + "pod-1",
            origin: "web identity, AWS_WEB_IDENTITY_TOKEN_FILE"),
        Source(
            name: "a web identity of a profile", arguments: ["--aws-profile", "web"], config: web,
            files: ["token": "web-sEcReT"], arn: session("web"),
            origin: "web identity, profile web, ~/.aws/config:3"),
        Source(
            name: "a GitHub workflow",
            environment: [
                "ACTIONS_ID_TOKEN_REQUEST_URL": "<emulator>/github-oidc?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "emulator-oidc-bearer",
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci",
            ], arn: session("ci"), origin: "GitHub workflow, AWS_ROLE_ARN"),
        Source(
            name: "a container by its full URI",
            environment: [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "<emulator>/container-credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "~/pod",
            ], files: ["pod": "container-sEcReT\n"], knobs: ["container_authorization": "container-sEcReT"],
            arn: session("emulator-container-role"), origin: "container, AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        Source(
            name: "an instance",
            environment: ["AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "<emulator>/"],
            arn: session("emulator-instance-role"),
            origin: "instance metadata, AWS_EC2_METADATA_SERVICE_ENDPOINT, role emulator-instance-role"),
    ]

    @Test("prints the caller and the origin of the credentials", arguments: sources)
    func source(_ source: Source) async throws {
        var files = source.files
        files[Self.signOnFile] = files.removeValue(forKey: "corp")
        try await WhoamiUser.with(
            config: source.config, credentials: source.credentials, files: files, knobs: source.knobs
        ) { person in
            let said = try await person.whoami(source.arguments + ["--json"], source.environment)
            #expect(said.status.isSuccess, "\(said.errors)")
            #expect(said["account"] == "123456789012")
            #expect(said["arn"]?.hasPrefix(source.arn) == true, "\(said.output)")
            #expect(said["access_key_id_from"] == source.origin)
            #expect((said["expires"] != nil) == source.expires, "\(said.output)")
            #expect(said.errors.contains("aws: STS GetCallerIdentity"))
            #expect(said.trace.contains(#""operation":"GetCallerIdentity""#))
            let shown = try await person.whoami(source.arguments, source.environment)
            #expect(shown.output.contains(source.arn))
            #expect(shown.output.contains(source.origin))
        }
    }

    /// The file of the AWS CLI for the token of the session `corp`, named by SHA-1.
    static let signOnFile = ".aws/sso/cache/\(sha1("corp")).json"

    @Test("the credential process may write to the terminal; other programs do not inherit secrets")
    func programs() async throws {
        let vault = Self.sources.first { $0.name == "a process" }!
        var files = vault.files
        files["bin/git"] = "#!/bin/sh\nenv > <home>/inherited\n"
        try await WhoamiUser.with(config: vault.config, files: files) { person in
            let said = try await person.whoami(vault.arguments, vault.environment)
            #expect(said.errors.contains("touch your key\n"))
            let doctor = [
                "-i", "PATH=\(person.home)/bin:/usr/bin:/bin", "AWS_SECRET_ACCESS_KEY=process-sEcReT",
                "AWS_SESSION_TOKEN=process-sEcReT", "AWS_REGION=eu-west-1", Program.dss, "doctor",
            ]
            let runner = SystemCommandRunner()
            try await runner.run(Command("chmod", ["755", "\(person.home)/bin/git"]))
            _ = try await runner.execute(Command("env", doctor))
            let inherited = person.read("inherited")
            #expect(inherited.contains("AWS_REGION=eu-west-1"))
            #expect(!inherited.contains("process-sEcReT"))
        }
    }

    @Test("the trace is readable only by its owner, and is appended to")
    func trace() async throws {
        try await WhoamiUser.with { person in
            for _ in 1...2 { try await person.whoami([], WhoamiUser.variables) }
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(person.home)/trace.jsonl")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let lines = person.read("trace.jsonl").split(separator: "\n")
            #expect(lines.count == 2)
            let record = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
            #expect(record?["service"] as? String == "STS")
            #expect(record?["status"] as? Int == 200)
        }
    }

    static let mfa = """
        [profile mfa]
        role_arn = arn:aws:iam::123456789012:role/guarded
        source_profile = base
        mfa_serial = arn:aws:iam::123456789012:mfa/ada
        """

    @Test("an MFA code is prompted for once, on the terminal, and serves the next commands")
    func mfa() async throws {
        try await WhoamiUser.with(config: Self.mfa, credentials: "[base]\n\(WhoamiUser.keys)") { person in
            try await person.emulator.control([
                "knobs": ["role_conditions": ["arn:aws:iam::123456789012:role/guarded": ["mfa_code": "654321"]]]
            ])
            let line = person.command(["--aws-profile", "mfa"], [:]).map(shellQuoted).joined(separator: " ")
            let transcript = try await SystemCommandRunner().converse(
                Command("script", ["--quiet", "--return", "--command", line, "/dev/null"])
            ) { program in
                let asked = try await program.expect("MFA code for arn:aws:iam::123456789012:mfa/ada: ")
                #expect(asked != nil)
                try await program.send("65432")
                _ = try await program.expect("six digits")
                try await program.send("654321")
                while try await program.expect("\n") != nil {}
                return await program.transcript
            }
            #expect(transcript.contains("assumed-role/guarded/"), "\(transcript)")
            let again = try await person.whoami(["--aws-profile", "mfa", "--json"])
            #expect(again["arn"]?.hasPrefix(Self.session("guarded")) == true, "\(again)")
            #expect(again["access_key_id_from"]?.contains("cached in ~/.aws/cli/cache/") == true)
            #expect(!again.trace.contains("654321"))
        }
    }

    @Test("without a terminal there is no prompt")
    func noTerminal() async throws {
        try await WhoamiUser.with(config: Self.mfa, credentials: "[base]\n\(WhoamiUser.keys)") { person in
            let said = try await person.whoami(["--aws-profile", "mfa"])
            #expect(said.status == .exited(77))
            #expect(said.errors.contains("there is no terminal to ask for it"), "\(said.errors)")
        }
    }
}

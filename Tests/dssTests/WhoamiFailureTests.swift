import AWSTestSupport
import Foundation
import Testing
import Workbench

@testable import AWSIdentity

extension WhoamiTests {
    /// Every failure has a message, a location, a next step and its exit code.
    @Suite("failures")
    struct Failures {
        struct Failure: Sendable, CustomTestStringConvertible {
            var name: String
            var arguments: [String] = []
            var environment: [String: String] = [:]
            var config: String? = nil
            var credentials: String? = nil
            var files: [String: String] = [:]
            /// A fault that the emulator injects into every call.
            var fault: String? = nil
            var code: Int32
            var texts: [String]
            var testDescription: String { name }
        }

        static let failures = [
            Failure(
                name: "nothing found", code: 77,
                texts: [
                    "dss: error: no AWS credentials found; tried, in this order:\n",
                    "  environment        AWS_ACCESS_KEY_ID is not set\n",
                    "  profile default    neither ~/.aws/config nor ~/.aws/credentials exists\n",
                    "  instance metadata  AWS_EC2_METADATA_DISABLED is true\n", "-> pass --aws-profile",
                ]),
            Failure(
                name: "wrong profile", arguments: ["--aws-profile", "relaese"],
                credentials: "[release]\n\(WhoamiUser.keys)[other]\n", code: 64,
                texts: [
                    "there is no profile 'relaese' (--aws-profile), did you mean 'release'?",
                    "known profiles: other, release",
                ]),
            Failure(
                name: "wrong source profile", arguments: ["--aws-profile", "dev"],
                config: "[profile dev]\nrole_arn = x\nsource_profile = bsae\n",
                credentials: "[base]\n\(WhoamiUser.keys)",
                code: 65,
                texts: [
                    "profile 'dev' is invalid\n",
                    "/.aws/config:3:1: error: there is no profile 'bsae', did you mean 'base'?\n",
                ]),
            Failure(
                name: "broken files", config: "[default]\nregion\n[default]\n", credentials: "process-sEcReT\n",
                code: 65,
                texts: [
                    "~/.aws/config and ~/.aws/credentials have 3 errors",
                    "/.aws/config:2:1: error: expected 'key = value'",
                    "/.aws/config:3:1: error: duplicate section [default], first defined on line 1",
                    "/.aws/credentials:1:1: error: expected a section header",
                ]),
            Failure(
                name: "expired login", arguments: ["--aws-profile", "corp"], config: WhoamiTests.signOn,
                files: [
                    WhoamiTests.signOnFile:
                        #"{"accessToken": "emulator-sso-token", "expiresAt": "2020-01-01T00:00:00Z"}"#
                ], code: 77, texts: ["expired at 2020-01-01T00:00:00Z", "-> aws sso login --sso-session corp"]),
            Failure(
                name: "a login that is no longer valid", arguments: ["--aws-profile", "corp"],
                config: WhoamiTests.signOn,
                files: [
                    WhoamiTests.signOnFile: #"{"accessToken": "web-sEcReT", "expiresAt": "2099-01-01T00:00:00Z"}"#
                ], code: 77, texts: ["is no longer valid", "-> aws sso login --sso-session corp"]),
            Failure(
                name: "wrong secret",
                environment: ["AWS_ACCESS_KEY_ID": WhoamiUser.key, "AWS_SECRET_ACCESS_KEY": "process-sEcReT"], code: 77,
                texts: ["STS GetCallerIdentity failed with SignatureDoesNotMatch", "dss whoami' shows its origin"]),
            Failure(
                name: "unknown key",
                environment: ["AWS_ACCESS_KEY_ID": "AKIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "process-sEcReT"],
                code: 77, texts: ["STS GetCallerIdentity failed with InvalidClientTokenId"]),
            Failure(
                name: "denied", environment: WhoamiUser.variables, fault: "denied", code: 77,
                texts: ["failed with AccessDenied"]),
            Failure(
                name: "expired", environment: WhoamiUser.variables, fault: "expired", code: 77,
                texts: ["failed with ExpiredToken", "the credentials have expired"]),
            Failure(
                name: "a program that fails",
                config: "[default]\ncredential_process = sh -c 'echo process-sEcReT; exit 3'\n",
                code: 77, texts: ["credential_process of profile default, ~/.aws/config:2 ended with exit code 3"]),
            Failure(
                name: "a program that is not there", config: "[default]\ncredential_process = nonsense --x\n", code: 77,
                texts: ["the program 'nonsense' is not installed"]),
            Failure(
                name: "nobody at the endpoint",
                environment: WhoamiUser.variables.merging(["AWS_ENDPOINT_URL": "http://127.0.0.1:9"]) { $1 }, code: 69,
                texts: ["STS GetCallerIdentity failed with ", "127.0.0.1:9"]),
            Failure(
                name: "a captive portal", environment: WhoamiUser.variables, fault: "html", code: 69,
                texts: ["failed with UnexpectedAnswer"]),
            Failure(
                name: "throttled for good", environment: WhoamiUser.variables, fault: "throttle", code: 75,
                texts: ["failed with Throttling", "attempt 2", "retry in "]),
            Failure(
                name: "no region's name", arguments: ["--region", "eu west"], environment: WhoamiUser.variables,
                code: 64,
                texts: ["'eu west' from --region is not the name of a region"]),
            Failure(
                name: "no URL",
                environment: WhoamiUser.variables.merging(["AWS_ENDPOINT_URL": "x:web-sEcReT@y"]) { $1 },
                code: 64, texts: ["AWS_ENDPOINT_URL is not a URL"]),
            Failure(
                name: "a token that is not there",
                environment: [
                    "AWS_WEB_IDENTITY_TOKEN_FILE": "<home>/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
                ], code: 77, texts: ["there is no file ~/token"]),
        ]

        @Test("are reported with exit code, location and next step", arguments: failures)
        func failure(_ failure: Failure) async throws {
            try await WhoamiUser.with(config: failure.config, credentials: failure.credentials, files: failure.files) {
                person in
                if let kind = failure.fault {
                    try await person.emulator.control(["faults": [["kind": kind, "times": NSNull()]]])
                }
                let said = try await person.whoami(failure.arguments, failure.environment)
                #expect(said.status == .exited(failure.code), "\(said.errors)")
                for text in failure.texts { #expect(said.errors.contains(text), "\(text) in \(said.errors)") }
                #expect(said.output.isEmpty)
                // Once is enough for calls that are retried.
                if said.errors.contains("retry in") { return }
                let json = try await person.whoami(failure.arguments + ["--json"], failure.environment)
                #expect(json.status == .exited(failure.code))
                #expect(json["event"] == "failure")
                #expect(json.json["code"] as? Int == Int(failure.code))
            }
        }
    }
}

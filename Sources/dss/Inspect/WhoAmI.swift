import AWSIdentity
import ArgumentParser
import FoundationEssentials
import Reporting

/// `dss whoami`
struct WhoAmI: DssCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Show the AWS identity and region in use, and the origin of each",
        discussion: """
            Looks for credentials like the AWS CLI: only in --aws-profile if it is given; else in the environment, the \
            profile, web identity (Kubernetes, GitHub workflow), the container and the instance. Never shows secrets.

            Exits with 77 if there are no credentials or AWS rejects them.

            Examples:
              dss whoami
              dss whoami --aws-profile release --region eu-central-1
              AWS_PROFILE=release dss whoami --json
              dss whoami --log-level debug --trace-aws calls.jsonl
            """)

    @OptionGroup var aws: AWSOptions

    @Flag(help: .json)
    var json = false

    func run(in live: Live) async throws {
        let sheet = try await live.withAWS(aws) { identity in
            FactSheet(identity, try await identity.whoAmI(), now: live.now())
        }
        live.show(sheet, json: json)
    }
}

extension FactSheet {
    /// The facts that `dss whoami` shows.
    init(_ identity: Identity, _ caller: CallerIdentity, now: Date) {
        self.init([
            Fact("account", caller.account),
            Fact("identity", key: "arn", caller.arn),
            Fact("user id", key: "user_id", caller.userID),
            Fact("access key", key: "access_key_id", caller.accessKeyID, from: caller.origin),
            Self.expiration(caller, now),
            Self.setting("profile", identity.profile, none: "none"),
            Self.setting("region", identity.region, none: "not set; add --region, or set AWS_REGION"),
        ])
        facts += Self.endpoints(identity.endpoints)
    }

    private static func setting(_ name: String, _ setting: Setting?, none: String) -> Fact {
        guard let setting else { return Fact(name, none, .null) }
        return Fact(name, setting.value, from: setting.origin)
    }

    private static func expiration(_ caller: CallerIdentity, _ now: Date) -> Fact {
        guard let date = caller.expiration else {
            return Fact("expires", caller.isTemporary ? "unknown" : "never", .null)
        }
        let time = date.formatted(.iso8601)
        return Fact("expires", "\(time), in \(Units.time(date.timeIntervalSince(now).rounded()))", .string(time))
    }

    /// The overridden endpoints: one line each as text, one list in JSON.
    private static func endpoints(_ endpoints: Endpoints) -> [Fact] {
        let shown = endpoints.overrides.map { override in
            Fact.shown(
                "endpoint", "\(override.url.value) for \(override.service ?? "all services")",
                from: override.url.origin)
        }
        let values = endpoints.overrides.map { override in
            JSONValue.object([
                ("service", .text(override.service)), ("url", .string(override.url.value)),
                ("from", .string(override.url.origin)),
            ])
        }
        return shown + [.json("endpoints", .array(values))]
    }
}

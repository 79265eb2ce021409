import AWSCore
import AWSServices
import Sandbox

/// Settings of the bucket stack that an administrator can choose; `nil` keeps the current value.
package struct BucketSettings: Sendable, Equatable {
    package var isVersioned: Bool?
    /// Days after which the parts of an unfinished upload are deleted.
    package var unfinishedUploadDays: Int?
    /// The bucket that receives the access logs; empty for none.
    package var accessLogs: String?
    /// A custom domain name; empty for only CloudFront's own name. It requires `certificate`.
    package var domain: String?
    /// The ARN of the certificate for `domain`; empty for none.
    package var certificate: String?

    /// Validates the options.
    /// - Throws: `Failure` that lists all invalid options.
    package init(
        isVersioned: Bool? = nil, unfinishedUploadDays: String? = nil, accessLogs: String? = nil,
        domain: String? = nil, certificate: String? = nil
    ) throws {
        var mistakes: [String] = []
        self.isVersioned = isVersioned
        self.unfinishedUploadDays = unfinishedUploadDays.flatMap { text in
            let number = Int(text).flatMap { (1...365).contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--unfinished-upload-days '\(text)': must be a number from 1 to 365") }
            return number
        }
        self.accessLogs = Self.noneAsEmpty(accessLogs)
        if let name = self.accessLogs, !name.isEmpty, name.wholeMatch(of: /[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/) == nil {
            mistakes.append(
                "--access-logs '\(name)': must be a bucket name: 3 to 63 lower-case letters, digits, . and -")
        }
        let domain = Self.noneAsEmpty(domain)
        self.domain = domain
        self.certificate = domain == "" ? "" : certificate
        if let domain, !domain.isEmpty, domain.wholeMatch(of: /([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}/) == nil {
            mistakes.append("--domain '\(domain)': must be a host name")
        }
        if let arn = certificate, arn.wholeMatch(of: /arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate\/.+/) == nil {
            mistakes.append("--certificate '\(arn)': must be the ARN of a certificate in us-east-1")
        }
        if (domain ?? "").isEmpty != (certificate == nil) {
            mistakes.append("--domain and --certificate must be used together")
        }
        try refuseOptions(mistakes)
    }

    /// The parameters of the template.
    /// - Parameter webACL: the ARN of the web ACL that protects the downloads.
    package func parameters(webACL: String) -> [String: String] {
        var values = ["VMDownloadACLArn": webACL]
        values["Versioning"] = isVersioned.map { $0 ? "Enabled" : "Suspended" }
        values["UnfinishedUploadDays"] = unfinishedUploadDays.map { "\($0)" }
        values["AccessLogBucket"] = accessLogs
        values["DomainName"] = domain
        values["CertificateArn"] = certificate
        return values
    }

    private static func noneAsEmpty(_ text: String?) -> String? { text == "none" ? "" : text }
}

/// Settings of a CodeBuild project that an administrator can choose; `nil` keeps the current value.
package struct CodeBuildSettings: Sendable, Equatable {
    /// `https://HOST/OWNER/NAME`.
    package var repository: String?
    /// The ARN of a CodeConnections connection to GitHub; empty for the credential that was imported into the account.
    package var connection: String?
    package var image: String?
    package var computeType: String?
    /// Days after which log events are deleted.
    package var logRetention: Int?
    /// ARNs of secrets, by template parameter.
    package var secrets: [String: String]

    static let computeTypes = ["medium", "large", "xlarge", "2xlarge"]
    /// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
    static let retentions = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ]

    /// An option whose value is the ARN of a secret.
    package struct SecretOption: Sendable {
        var flag: String
        var parameter: String
        var text: String?
        var mayBeNone: Bool

        package init(_ flag: String, parameter: String, _ text: String?, mayBeNone: Bool = false) {
            self.flag = flag
            self.parameter = parameter
            self.text = text
            self.mayBeNone = mayBeNone
        }
    }

    /// Validates the options.
    /// - Throws: `Failure` that lists all invalid options.
    package init(
        repository: String? = nil, connection: String? = nil, image: String? = nil, computeType: String? = nil,
        logRetention: String? = nil, secrets: [SecretOption] = []
    ) throws {
        var mistakes: [String] = []
        self.repository = repository
        if let repository,
            repository.wholeMatch(of: /https:\/\/[A-Za-z0-9.-]+\/[A-Za-z0-9-]+\/[A-Za-z0-9._-]+/) == nil
        {
            mistakes.append("--repository-url '\(repository)': must be https://HOST/OWNER/NAME")
        }
        self.connection = connection == "none" ? "" : connection
        if let arn = self.connection, !arn.isEmpty,
            arn.wholeMatch(of: /arn:aws[a-z-]*:codeconnections:[a-z0-9-]+:[0-9]{12}:connection\/.+/) == nil
        {
            mistakes.append("--connection '\(arn)': must be the ARN of an AWS CodeConnections connection, or none")
        }
        self.image = image
        if let image, image.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\/:@-]*/) == nil {
            mistakes.append("--image '\(image)': must be a container image, such as swift:6.2-bookworm")
        }
        self.computeType = computeType.map { "BUILD_GENERAL1_\($0.uppercased())" }
        if let computeType, !Self.computeTypes.contains(computeType) {
            let known = Self.computeTypes.joined(separator: ", ")
            mistakes.append("--compute-type '\(computeType)': must be one of \(known)")
        }
        self.logRetention = logRetention.flatMap(Int.init)
        if let logRetention, !Self.retentions.contains(self.logRetention ?? 0) {
            let known = Self.retentions.map { "\($0)" }.joined(separator: ", ")
            mistakes.append("--log-retention-days '\(logRetention)': must be one of \(known)")
        }
        self.secrets = secrets.reduce(into: [:]) { $0[$1.parameter] = Self.value(of: $1, &mistakes) }
        try refuseOptions(mistakes)
    }

    package var parameters: [String: String] {
        var values = secrets
        values["RepositoryURL"] = repository
        values["ConnectionArn"] = connection
        values["EnvironmentImage"] = image
        values["ComputeType"] = computeType
        values["LogRetentionDays"] = logRetention.map { "\($0)" }
        return values
    }

    /// The name of the secret is not enough: AWS appends six characters to it, and only the complete ARN can restrict
    /// the permissions of the role.
    private static func value(of option: SecretOption, _ mistakes: inout [String]) -> String? {
        guard let text = option.text else { return nil }
        if option.mayBeNone, text == "none" { return "" }
        let form = /arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9\/_+=.@-]+/
        if text.wholeMatch(of: form) == nil {
            let none = option.mayBeNone ? ", or none" : ""
            // The message does not show the value, because it may be the secret itself.
            mistakes.append("\(option.flag): must be the ARN of a secret, not the secret itself\(none)")
        }
        return text
    }
}

/// Settings of the web ACL that an administrator can choose; `nil` keeps the current value.
package struct FirewallSettings: Sendable, Equatable {
    /// Networks that are exempt from the CAPTCHA; empty for none.
    package var allowed: [IPNetwork]?
    /// Maximum number of requests per address within the window.
    package var rateLimit: Int?
    /// The window in seconds.
    package var rateWindow: Int?

    /// Source: <https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html>
    static let rateLimits = 10...2_000_000_000
    static let rateWindows = [60, 120, 300, 600]
    /// Source: <https://docs.aws.amazon.com/waf/latest/APIReference/API_IPSet.html>
    static let mostAddresses = 10_000

    /// Validates the options.
    /// - Parameter allowedIPs: networks, or only `none` for an empty list.
    /// - Throws: `Failure` that lists all invalid options.
    package init(allowedIPs: [String], rateLimit: String?, rateWindow: String?) throws {
        var mistakes: [String] = []
        allowed = allowedIPs.isEmpty ? nil : Self.networks(allowedIPs, &mistakes)
        self.rateLimit = rateLimit.flatMap { text in
            let number = Int(text).flatMap { Self.rateLimits.contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--rate-limit '\(text)': must be a number from 10 to 2000000000") }
            return number
        }
        self.rateWindow = rateWindow.flatMap { text in
            let number = Int(text).flatMap { Self.rateWindows.contains($0) ? $0 : nil }
            if number == nil { mistakes.append("--rate-window '\(text)': must be 60, 120, 300 or 600 seconds") }
            return number
        }
        try refuseOptions(mistakes)
    }

    package var parameters: [String: String] {
        var values: [String: String] = [:]
        if let allowed {
            values["AllowedIPv4"] = allowed.filter { $0.version == .v4 }.map(\.text).joined(separator: ",")
            values["AllowedIPv6"] = allowed.filter { $0.version == .v6 }.map(\.text).joined(separator: ",")
        }
        values["RateLimit"] = rateLimit.map { "\($0)" }
        values["RateWindow"] = rateWindow.map { "\($0)" }
        return values
    }

    private static func networks(_ texts: [String], _ mistakes: inout [String]) -> [IPNetwork] {
        if texts == ["none"] { return [] }
        var networks: [IPNetwork] = []
        for text in texts {
            do {
                let network = try IPNetwork(text)
                if !networks.contains(network) { networks.append(network) }
            } catch { mistakes.append("--allowed-ip \(error.message)") }
        }
        if networks.count > mostAddresses { mistakes.append("--allowed-ip: AWS allows at most \(mostAddresses)") }
        return networks
    }
}

/// Throws an error if there are invalid options.
///
/// - Parameter mistakes: descriptions of the invalid options; each begins with the option.
/// - Throws: `Failure` that lists all of them, so that they can be fixed in one go.
func refuseOptions(_ mistakes: [String]) throws {
    guard let first = mistakes.first else { return }
    guard mistakes.count > 1 else { throw Failure(.usage, first) }
    throw Failure(.usage, "\(mistakes.count) options are invalid", details: mistakes)
}

extension Stacks {
    /// Returns the ARN of the web ACL from the outputs of its stack.
    /// - Precondition: the client uses the region of that stack, us-east-1.
    /// - Throws: `Failure` if the stack is missing or broken.
    package func webACL() async throws -> String {
        let output = PermanentStack.Output.webACL
        let outputs = try await outputs(
            of: .vmBucketWAF, [output], orElse: "the web ACL for the bucket is not deployed")
        return outputs[output] ?? ""
    }

    /// Returns the outputs of a permanent stack.
    /// - Parameters:
    ///   - names: outputs that the stack must have.
    ///   - lack: the beginning of the error message for a missing stack.
    /// - Throws: `Failure` if the stack is missing, broken or being changed, or if an output is missing.
    func outputs(of permanent: PermanentStack, _ names: [String], orElse lack: String) async throws -> [String: String]
    {
        let name = permanent.name
        let stack = try await stack(name)
        let command = "dss \(permanent.command)"
        switch StackState(status: stack?.stackStatus) {
        case .absent, .draft:
            throw Failure(
                .unavailable, "\(lack): no stack \(name) in \(client.region)",
                advice: "run '\(command)', then this command again")
        case .steady:
            let outputs = stack?.outputValues ?? [:]
            guard let missing = names.first(where: { outputs[$0] == nil }) else { return outputs }
            throw Failure(
                .unavailable, "stack \(name) in \(client.region) has no \(missing) output",
                advice: "update it with '\(command)', then run this command again")
        case .busy:
            throw Failure(
                .temporary, "stack \(name) in \(client.region) has a change in progress: \(stack?.stackStatus ?? "")",
                advice: "wait for it to finish, then run this command again")
        case .stillborn, .stuck:
            throw Failure(
                .unavailable, "stack \(name) in \(client.region) has the status \(stack?.stackStatus ?? "")",
                details: try await reasons(of: name),
                advice: "run '\(command)' for the way to fix it, then this command again")
        }
    }
}

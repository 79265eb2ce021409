import Sandbox

/// What an administrator may choose of a project on CodeBuild; what is `nil` stays as it is.
package struct CodeBuildSettings: Sendable, Equatable {
    /// `https://HOST/OWNER/NAME`.
    package var repository: String?
    /// The ARN of a connection to GitHub; empty for the account's imported credential.
    package var connection: String?
    package var image: String?
    package var computeType: String?
    /// Days.
    package var logRetention: Int?
    /// ARNs of secrets, by the parameters of the template.
    package var secrets: [String: String]

    static let computeTypes = ["medium", "large", "xlarge", "2xlarge"]
    /// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
    static let retentions = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
    ]

    /// A secret by the flag that names it.
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

    /// Checks all that was typed.
    /// - Throws: `Failure` with all mistakes.
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
            mistakes.append("--connection '\(arn)': must be the ARN of a connection of AWS CodeConnections, or none")
        }
        self.image = image
        if let image, image.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\/:@-]*/) == nil {
            mistakes.append("--image '\(image)': must name a container image, such as swift:6.2-bookworm")
        }
        self.computeType = computeType.map { "BUILD_GENERAL1_\($0.uppercased())" }
        if let computeType, !Self.computeTypes.contains(computeType) {
            let known = Self.computeTypes.joined(separator: ", ")
            mistakes.append("--compute-type '\(computeType)': must be one of \(known)")
        }
        self.logRetention = logRetention.flatMap(Int.init)
        if let logRetention, !Self.retentions.contains(self.logRetention ?? 0) {
            let known = Self.retentions.map { "\($0)" }.joined(separator: ", ")
            mistakes.append("--log-retention-days '\(logRetention)': CloudWatch takes \(known)")
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

    /// A role is narrowed to the whole ARN alone: behind a secret's name AWS puts six characters of its own.
    private static func value(of option: SecretOption, _ mistakes: inout [String]) -> String? {
        guard let text = option.text else { return nil }
        if option.mayBeNone, text == "none" { return "" }
        let form = /arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9\/_+=.@-]+/
        if text.wholeMatch(of: form) == nil {
            let none = option.mayBeNone ? ", or none" : ""
            // What was typed may be the secret itself.
            mistakes.append("\(option.flag): must be the ARN of a secret, never the secret itself\(none)")
        }
        return text
    }
}

import AWSCore
import FoundationEssentials

/// AWS CodeBuild, which builds the releases.
package enum CodeBuild {
    package static let service = Service(
        id: "CodeBuild", signingName: "codebuild", version: "2016-10-06", targetPrefix: "CodeBuild_20161006",
        keys: .camel)

    package struct StartBuild: JSONOperation {
        package static let service = CodeBuild.service
        package static let retrySafety = RetrySafety<Self>.token(\.idempotencyToken)

        package var projectName: String
        /// A branch, tag or commit to build.
        package var sourceVersion: String?
        package var environmentVariablesOverride: [EnvironmentVariable]?
        /// Valid for five minutes.
        package var idempotencyToken: String?

        package typealias Output = OneBuild

        package init(
            projectName: String, sourceVersion: String? = nil,
            environmentVariablesOverride: [EnvironmentVariable]? = nil
        ) {
            self.projectName = projectName
            self.sourceVersion = sourceVersion
            self.environmentVariablesOverride = environmentVariablesOverride
        }
    }

    /// Describes builds, at most 100 per call.
    package struct BatchGetBuilds: JSONOperation {
        package static let service = CodeBuild.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var ids: [String]

        package init(ids: [String]) {
            self.ids = ids
        }

        package struct Output: Sendable, Codable, Equatable {
            package var builds: [Build]?
        }
    }

    /// Stops a build; has no effect on a finished build.
    package struct StopBuild: JSONOperation {
        package static let service = CodeBuild.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var id: String

        package typealias Output = OneBuild

        package init(id: String) {
            self.id = id
        }
    }

    /// Lists the IDs of a project's builds, newest first.
    package struct ListBuildsForProject: JSONOperation, PagedOperation {
        package static let service = CodeBuild.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var projectName: String
        package var nextToken: String?

        package init(projectName: String) {
            self.projectName = projectName
        }

        package struct Output: Sendable, Codable, Equatable {
            package var ids: [String]?
            package var nextToken: String?
        }

        package static func items(of page: Output) -> [String] { page.ids ?? [] }

        package mutating func turn(after page: Output) throws -> Bool { try advance(&nextToken, to: page.nextToken) }
    }
}

extension CodeBuild {
    package struct OneBuild: Sendable, Codable, Equatable {
        package var build: Build
    }

    /// A running or finished build.
    package struct Build: Sendable, Codable, Equatable {
        package var id: String
        package var arn: String
        package var projectName: String?
        package var sourceVersion: String?
        package var startTime: Date?
        package var endTime: Date?
        package var currentPhase: String?
        /// `IN_PROGRESS`, or the result: `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `STOPPED`.
        package var buildStatus: String?
        package var phases: [Phase]?
        package var environment: Environment?
        package var logs: LogsLocation?
    }

    package struct Phase: Sendable, Codable, Equatable {
        package var phaseType: String?
        /// `nil` while the phase is running.
        package var phaseStatus: String?
        package var startTime: Date?
        package var endTime: Date?
        package var durationInSeconds: Int?
        package var contexts: [PhaseContext]?
    }

    /// The reason why a phase failed.
    package struct PhaseContext: Sendable, Codable, Equatable {
        package var message: String?
    }

    package struct Environment: Sendable, Codable, Equatable {
        package var environmentVariables: [EnvironmentVariable]?
    }

    package struct EnvironmentVariable: Sendable, Codable, Equatable {
        package var name: String
        /// For type `SECRETS_MANAGER`, the name of the secret, so that the call never contains the password itself.
        package var value: String
        /// `PLAINTEXT` (default), `PARAMETER_STORE` or `SECRETS_MANAGER`.
        package var type: String?

        package init(name: String, value: String, type: String? = nil) {
            self.name = name
            self.value = value
            self.type = type
        }
    }

    /// The location of the build's output; both names are `nil` until the build runs.
    package struct LogsLocation: Sendable, Codable, Equatable {
        package var groupName: String?
        package var streamName: String?
        package var deepLink: String?
    }
}

/// Amazon CloudWatch Logs, which receives a build's output while the build runs.
package enum Logs {
    package static let service = Service(
        id: "CloudWatch Logs", signingName: "logs", version: "2014-03-28", targetPrefix: "Logs_20140328", keys: .camel)

    /// Returns the lines of one stream.
    ///
    /// When paging forward, the token is never missing: at the end of the stream, the service returns the token that
    /// was sent. To follow a live stream, poll again with that token.
    /// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
    package struct GetLogEvents: JSONOperation, PagedOperation {
        package static let service = Logs.service
        package static let retrySafety = RetrySafety<Self>.harmless

        package var logGroupName: String
        package var logStreamName: String
        /// Milliseconds since 1970.
        package var startTime: Int?
        package var nextToken: String?
        /// At most 10,000 lines and 1 MB per page.
        package var limit: Int?
        /// Starts with the oldest lines; by default, the newest come first.
        package var startFromHead: Bool?

        package init(logGroupName: String, logStreamName: String, startFromHead: Bool? = nil) {
            self.logGroupName = logGroupName
            self.logStreamName = logStreamName
            self.startFromHead = startFromHead
        }

        package struct Output: Sendable, Codable, Equatable {
            package var events: [Event]?
            package var nextForwardToken: String?
        }

        package static func items(of page: Output) -> [Event] { page.events ?? [] }

        package mutating func turn(after page: Output) throws -> Bool {
            try page.nextForwardToken != nextToken && advance(&nextToken, to: page.nextForwardToken)
        }
    }

    package struct Event: Sendable, Codable, Equatable {
        /// Milliseconds since 1970.
        package var timestamp: Int?
        package var message: String?
    }
}

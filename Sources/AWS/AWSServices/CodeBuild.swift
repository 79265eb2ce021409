import AWSCore
import FoundationEssentials

/// CodeBuild, where releases are built.
package enum CodeBuild {
    package static let service = Service(
        id: "CodeBuild", signingName: "codebuild", version: "2016-10-06", targetPrefix: "CodeBuild_20161006",
        keys: .camel)

    package struct StartBuild: JSONOperation {
        package static let service = CodeBuild.service
        package static let repetition = Repetition<Self>.token(\.idempotencyToken)

        package var projectName: String
        /// A branch, tag or commit.
        package var sourceVersion: String?
        package var environmentVariablesOverride: [EnvironmentVariable]?
        package var buildspecOverride: String?
        /// What a build may take, in minutes: 5 to 2,160.
        package var timeoutInMinutesOverride: Int?
        package var computeTypeOverride: String?
        package var imageOverride: String?
        package var environmentTypeOverride: String?
        /// Good for five minutes.
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

    /// At most 100 builds at once.
    package struct BatchGetBuilds: JSONOperation {
        package static let service = CodeBuild.service
        package static let repetition = Repetition<Self>.harmless

        package var ids: [String]

        package init(ids: [String]) {
            self.ids = ids
        }

        package struct Output: Sendable, Codable, Equatable {
            package var builds: [Build]?
            package var buildsNotFound: [String]?
        }
    }

    /// Stopping a build that has ended leaves it as it is.
    package struct StopBuild: JSONOperation {
        package static let service = CodeBuild.service
        package static let repetition = Repetition<Self>.harmless

        package var id: String

        package typealias Output = OneBuild

        package init(id: String) {
            self.id = id
        }
    }

    /// The ids of a project's builds, the newest first.
    package struct ListBuildsForProject: JSONOperation, PagedOperation {
        package static let service = CodeBuild.service
        package static let repetition = Repetition<Self>.harmless

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

    /// A build, running or ended.
    package struct Build: Sendable, Codable, Equatable {
        package var id: String
        package var arn: String
        package var buildNumber: Int?
        package var projectName: String?
        package var sourceVersion: String?
        package var startTime: Date?
        package var endTime: Date?
        package var currentPhase: String?
        /// `IN_PROGRESS`, or how it ended: `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `STOPPED`.
        package var buildStatus: String?
        package var phases: [Phase]?
        package var environment: Environment?
        package var logs: LogsLocation?
    }

    package struct Phase: Sendable, Codable, Equatable {
        package var phaseType: String?
        /// `nil` while it runs.
        package var phaseStatus: String?
        package var startTime: Date?
        package var endTime: Date?
        package var durationInSeconds: Int?
        package var contexts: [PhaseContext]?
    }

    /// Why a phase failed.
    package struct PhaseContext: Sendable, Codable, Equatable {
        package var statusCode: String?
        package var message: String?
    }

    package struct Environment: Sendable, Codable, Equatable {
        package var environmentVariables: [EnvironmentVariable]?
    }

    package struct EnvironmentVariable: Sendable, Codable, Equatable {
        package var name: String
        /// With type `SECRETS_MANAGER` the name of the secret, so that the password itself is never in the call.
        package var value: String
        /// `PLAINTEXT` where nothing is said, `PARAMETER_STORE` or `SECRETS_MANAGER`.
        package var type: String?

        package init(name: String, value: String, type: String? = nil) {
            self.name = name
            self.value = value
            self.type = type
        }
    }

    /// Where the output goes; both names are missing until the build has a machine.
    package struct LogsLocation: Sendable, Codable, Equatable {
        package var groupName: String?
        package var streamName: String?
        package var deepLink: String?
    }
}

/// CloudWatch Logs, in which a build's output appears while it runs.
package enum Logs {
    package static let service = Service(
        id: "CloudWatch Logs", signingName: "logs", version: "2014-03-28", targetPrefix: "Logs_20140328", keys: .camel)

    /// Lines of one stream.
    ///
    /// Going forward never ends with a missing token: at the end of what there is, the token that was sent comes back.
    /// Followed live, it is the place to ask from again.
    /// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
    package struct GetLogEvents: JSONOperation, PagedOperation {
        package static let service = Logs.service
        package static let repetition = Repetition<Self>.harmless

        package var logGroupName: String
        package var logStreamName: String
        /// Milliseconds since 1970.
        package var startTime: Int?
        package var nextToken: String?
        /// At most 10,000, and one megabyte, a page.
        package var limit: Int?
        /// By default the newest lines come first.
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

import AWSCore
import FoundationEssentials

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

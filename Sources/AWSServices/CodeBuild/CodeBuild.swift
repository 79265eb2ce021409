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

import AWSCore
import AWSServices
import Sandbox

/// Builds on CodeBuild: started, followed side by side, and stopped where somebody wants that.
package struct ReleaseBuilds: Sendable {
    private let client: AWSClient
    private let pace: Pace
    private let talk: Talk

    /// How a person is told and asked.
    package struct Talk: Sendable {
        package var tell: @Sendable (ReleaseBuild, BuildNews) -> Void
        /// Asked when the following is interrupted: whether these builds are to end as well.
        package var stops: @Sendable ([StartedBuild]) async -> Bool

        package init(
            tell: @escaping @Sendable (ReleaseBuild, BuildNews) -> Void,
            stops: @escaping @Sendable ([StartedBuild]) async -> Bool
        ) {
            self.tell = tell
            self.stops = stops
        }
    }

    package init(_ client: AWSClient, pace: Pace, _ talk: Talk) {
        self.client = client
        self.pace = pace
        self.talk = talk
    }

    /// Starts all of them, or none.
    /// - Throws: where one cannot be started; `LeftBehind` where another could not be stopped after that.
    package func start(_ builds: [ReleaseBuild], in project: String) async throws -> [StartedBuild] {
        try await undoingOnFailure { undo in
            var started: [StartedBuild] = []
            for build in builds {
                let answer = try await client.call(build.request(project: project)).build
                let one = StartedBuild(build: build, id: answer.id, region: client.region)
                await undo.register("the build \(one.id)", remedy: one.stopLine) { try await stop(one) }
                talk.tell(build, .started(id: one.id))
                started.append(one)
            }
            return started
        }
    }

    /// Follows all of them to their ends, in the given order.
    /// - Throws: `LeftBehind` where it gives up and the builds go on.
    package func follow(_ started: [StartedBuild]) async throws -> [EndedBuild] {
        do {
            return try await withThrowingTaskGroup(of: (Int, EndedBuild).self) { group in
                for (index, one) in started.enumerated() {
                    group.addTask { (index, try await BuildFollower(client, pace, one, tell(one)).run()) }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        } catch is CancellationError {
            // In a task of its own: the question must not be cancelled with what it is about.
            throw await Task { await afterInterruption(started) }.value
        } catch {
            throw LeftBehind(cause: error, leftovers: started.map { Self.fate("may go on", $0) })
        }
    }

    private func tell(_ one: StartedBuild) -> @Sendable (BuildNews) -> Void {
        { talk.tell(one.build, $0) }
    }

    private func afterInterruption(_ started: [StartedBuild]) async -> any Error {
        let running = (try? await self.running(among: started)) ?? started
        guard !running.isEmpty else { return CancellationError() }
        guard await talk.stops(running) else {
            return LeftBehind(cause: CancellationError(), leftovers: running.map { Self.fate("goes on", $0) })
        }
        var leftovers: [String] = []
        for one in running {
            do { try await stop(one) } catch {
                leftovers.append("the build \(one.id) could not be stopped: \(error); stop it with: \(one.stopLine)")
            }
        }
        return leftovers.isEmpty
            ? CancellationError() : LeftBehind(cause: CancellationError(), leftovers: leftovers)
    }

    private func running(among started: [StartedBuild]) async throws -> [StartedBuild] {
        let builds = try await client.call(CodeBuild.BatchGetBuilds(ids: started.map(\.id))).builds ?? []
        let ended = Set(builds.filter { $0.buildStatus != "IN_PROGRESS" }.map(\.id))
        return started.filter { !ended.contains($0.id) }
    }

    private func stop(_ one: StartedBuild) async throws {
        _ = try await client.call(CodeBuild.StopBuild(id: one.id))
    }

    private static func fate(_ fate: String, _ one: StartedBuild) -> String {
        "the build \(one.id) \(fate); stop it with: \(one.stopLine)"
    }
}

/// One build of a release, as CodeBuild is to be asked for it.
package struct ReleaseBuild: Sendable, Equatable {
    /// What `buildspec_release.yaml` reads; `dss` itself reads the password and whatever else sets the definition.
    package enum Variable {
        package static let assetID = "DSS_ASSET_ID"
        package static let releaseID = "DSS_RELEASE_ID"
        package static let password = "DSS_DEFAULT_PASSWORD"
        package static let publicity = "DSS_RELEASE_PUBLICITY"
        package static let variant = "DSS_BUILD_VARIANT"
    }

    /// How much of it others get to see.
    package enum Publicity: String, Sendable {
        case full
        /// All but the AMIs.
        case withPrivateImages = "private-images"
        /// Nothing but a draft.
        case rehearsal
    }

    /// `nil` where the definition is built as it is.
    package var variant: String?
    /// Tells it from others that are built with it.
    package var label: String?
    package var assetID: AssetID
    package var releaseID: Int
    /// A branch, tag or commit.
    package var branch: String
    /// Name or ARN of the secret that has the default password: the password itself is in no call.
    package var passwordSecret: String
    package var publicity: Publicity
    /// Environment variables that set keys of the definition.
    package var settings: [String: String]

    package init(
        variant: String? = nil, label: String? = nil, assetID: AssetID, releaseID: Int, branch: String,
        passwordSecret: String,
        publicity: Publicity, settings: [String: String] = [:]
    ) {
        self.variant = variant
        self.label = label
        self.assetID = assetID
        self.releaseID = releaseID
        self.branch = branch
        self.passwordSecret = passwordSecret
        self.publicity = publicity
        self.settings = settings
    }

    func request(project: String) -> CodeBuild.StartBuild {
        let own: [CodeBuild.EnvironmentVariable] = [
            .init(name: Variable.assetID, value: assetID.rawValue, type: "PLAINTEXT"),
            .init(name: Variable.releaseID, value: "\(releaseID)", type: "PLAINTEXT"),
            .init(name: Variable.password, value: passwordSecret, type: "SECRETS_MANAGER"),
            .init(name: Variable.publicity, value: publicity.rawValue, type: "PLAINTEXT"),
        ]
        let variant = self.variant.map {
            [CodeBuild.EnvironmentVariable(name: Variable.variant, value: $0, type: "PLAINTEXT")]
        }
        let more = settings.sorted { $0.key < $1.key }
            .map { CodeBuild.EnvironmentVariable(name: $0.key, value: $0.value, type: "PLAINTEXT") }
        return CodeBuild.StartBuild(
            projectName: project, sourceVersion: branch, environmentVariablesOverride: own + (variant ?? []) + more)
    }
}

/// A build that CodeBuild has taken on.
package struct StartedBuild: Sendable, Equatable {
    package var build: ReleaseBuild
    package var id: String
    package var region: String

    /// What ends it by hand.
    package var stopLine: String { "aws codebuild stop-build --region \(region) --id \(id)" }
}

/// Where files are added to a release, as GitHub's API and its workflows tell it; whose release it is stands in it.
///
/// `https://uploads.github.com/repos/OWNER/NAME/releases/ID/assets{?name,label}`; an Enterprise server has
/// `/api/uploads` before `/repos`.
package struct UploadURL: Sendable, Equatable {
    package let repository: GitHubRepository
    package let releaseID: Int

    /// - Throws: `Failure` where it is none.
    package init(_ text: String) throws {
        let form =
            /https:\/\/[^\/\s]+(?:\/api\/uploads)?\/repos\/([^\/\s]+\/[^\/\s]+)\/releases\/([0-9]{1,18})\/assets(?:[?{].*)?/
        guard let match = text.wholeMatch(of: form), let id = Int(match.2), id > 0,
            let repository = try? GitHubRepository(String(match.1))
        else {
            throw Failure(
                .usage, "'\(text)' is not the upload URL of a release",
                advice: "take upload_url as GitHub tells it: gh api repos/OWNER/NAME/releases/tags/TAG --jq .upload_url"
            )
        }
        self.repository = repository
        releaseID = id
    }

    /// A build writes into the release of the repository that the definition names, and into no other.
    package func check(isOf own: GitHubRepository) throws {
        guard repository.description.lowercased() != own.description.lowercased() else { return }
        throw Failure(
            .usage, "the upload URL is of a release of \(repository), and the definition's repository is \(own)",
            advice: "take the URL of a release of \(own), or add --set github.repository=\(repository)")
    }
}

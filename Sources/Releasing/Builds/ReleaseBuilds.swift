import AWSCore
import AWSServices
import Sandbox

/// Starts builds on CodeBuild, follows them in parallel, and stops them on request.
package struct ReleaseBuilds: Sendable {
    private let client: AWSClient
    private let polling: PollingPolicy
    private let talk: Callbacks

    /// Callbacks for reports to the user and questions.
    package struct Callbacks: Sendable {
        package var tell: @Sendable (ReleaseBuild, ReleaseBuildEvent) -> Void
        /// Called on an interruption: asks the user whether to stop these builds too.
        package var stops: @Sendable ([StartedBuild]) async -> Bool

        package init(
            tell: @escaping @Sendable (ReleaseBuild, ReleaseBuildEvent) -> Void,
            stops: @escaping @Sendable ([StartedBuild]) async -> Bool
        ) {
            self.tell = tell
            self.stops = stops
        }
    }

    package init(_ client: AWSClient, polling: PollingPolicy, _ talk: Callbacks) {
        self.client = client
        self.polling = polling
        self.talk = talk
    }

    /// Starts all builds or none.
    /// - Throws: An error if a build cannot be started; `LeftBehind` if another build then could not be stopped.
    package func start(_ builds: [ReleaseBuild], in project: String) async throws -> [StartedBuild] {
        try await Scope.run(keepsOnSuccess: true) { scope in
            var started: [StartedBuild] = []
            for build in builds {
                let answer = try await client.call(build.request(project: project)).build
                let one = StartedBuild(build: build, id: answer.id, region: client.region)
                await scope.undo.register("the build \(one.id)", remedy: one.stopLine) { try await stop(one) }
                talk.tell(build, .started(id: one.id))
                started.append(one)
            }
            return started
        }
    }

    /// Follows all builds until they end.
    /// - Returns: The ended builds, in the given order.
    /// - Throws: `LeftBehind` if it gives up while builds are still running.
    package func follow(_ started: [StartedBuild]) async throws -> [EndedBuild] {
        do {
            return try await withThrowingTaskGroup(of: (Int, EndedBuild).self) { group in
                for (index, one) in started.enumerated() {
                    group.addTask { (index, try await BuildFollower(client, polling, one, tell(one)).run()) }
                }
                return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
            }
        } catch is CancellationError {
            // In a separate task, because the current one is cancelled, and the question must not be.
            throw await Task { await afterInterruption(started) }.value
        } catch {
            throw LeftBehind(cause: error, leftovers: started.map { Self.leftover("may still be running", $0) })
        }
    }

    private func tell(_ one: StartedBuild) -> @Sendable (ReleaseBuildEvent) -> Void {
        { talk.tell(one.build, $0) }
    }

    private func afterInterruption(_ started: [StartedBuild]) async -> any Error {
        let running = (try? await self.running(among: started)) ?? started
        guard !running.isEmpty else { return CancellationError() }
        guard await talk.stops(running) else {
            return LeftBehind(
                cause: CancellationError(), leftovers: running.map { Self.leftover("is still running", $0) })
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

    private static func leftover(_ state: String, _ one: StartedBuild) -> String {
        "the build \(one.id) \(state); stop it with: \(one.stopLine)"
    }
}

/// The parameters of one build of a release on CodeBuild.
package struct ReleaseBuild: Sendable, Equatable {
    /// Environment variables for `buildspec_release.yaml`. `dss` itself reads the password and the variables that set
    /// keys of the definition.
    package enum Variable {
        package static let assetID = "DSS_ASSET_ID"
        package static let releaseID = "DSS_RELEASE_ID"
        package static let password = "DSS_DEFAULT_PASSWORD"
        package static let publicity = "DSS_RELEASE_PUBLICITY"
        package static let variant = "DSS_BUILD_VARIANT"
    }

    /// How much of the build becomes public.
    package enum Publicity: String, Sendable {
        case full
        /// Everything except the AMIs.
        case withPrivateImages = "private-images"
        /// Nothing; only a draft release is created.
        case rehearsal
    }

    /// The name of the variant; `nil` if the definition is built without one.
    package var variant: String?
    /// The label that distinguishes it from other builds of the same run.
    package var label: String?
    package var assetID: AssetID
    package var releaseID: Int
    /// A branch, tag or commit.
    package var branch: String
    /// Name or ARN of the secret with the default password. The password itself is never part of a request.
    package var passwordSecret: String
    package var publicity: Publicity
    /// Additional environment variables, which set keys of the definition.
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

/// A build that CodeBuild has accepted.
package struct StartedBuild: Sendable, Equatable {
    package var build: ReleaseBuild
    package var id: String
    package var region: String

    /// The command that stops the build manually.
    package var stopLine: String { "aws codebuild stop-build --region \(region) --id \(id)" }
}

/// The upload URL of a release, as in GitHub's API and workflows, with its repository and release id.
///
/// Its form is `https://uploads.github.com/repos/OWNER/NAME/releases/ID/assets{?name,label}`; an Enterprise server
/// has `/api/uploads` before `/repos`.
package struct UploadURL: Sendable, Equatable {
    package let repository: GitHubRepository
    package let releaseID: Int

    /// - Throws: `Failure` if the text is not an upload URL.
    package init(_ text: String) throws {
        let form =
            /https:\/\/[^\/\s]+(?:\/api\/uploads)?\/repos\/([^\/\s]+\/[^\/\s]+)\/releases\/([0-9]{1,18})\/assets(?:[?{].*)?/
        guard let match = text.wholeMatch(of: form), let id = Int(match.2), id > 0,
            let repository = try? GitHubRepository(String(match.1))
        else {
            throw Failure(
                .usage, "'\(text)' is not the upload URL of a release",
                advice: "get upload_url from the GitHub API: gh api repos/OWNER/NAME/releases/tags/TAG --jq .upload_url"
            )
        }
        self.repository = repository
        releaseID = id
    }

    /// Checks that the release belongs to the repository in the definition, because a build may not write to another.
    package func check(isOf own: GitHubRepository) throws {
        guard repository.description.lowercased() != own.description.lowercased() else { return }
        throw Failure(
            .usage, "the upload URL belongs to a release of \(repository), but the definition's repository is \(own)",
            advice: "use the URL of a release of \(own), or add --set github.repository=\(repository)")
    }
}

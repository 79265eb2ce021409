import AWSCore
import Sandbox

/// A rehearsal of a release: a draft release on GitHub, and a build for it that publishes nothing.
package struct Rehearsal: Sendable {
    private let version: String
    private let title: String
    private let branch: String
    private let assetID: AssetID?

    /// - Parameter assetID: The asset id of the build; by default, a new one that contains the number of the draft.
    package init(of version: String, title: String, branch: String, assetID: AssetID?) {
        self.version = version
        self.title = title
        self.branch = branch
        self.assetID = assetID
    }

    /// Creates the draft and starts its build. If the build cannot be started, the draft is deleted. Once the build has
    /// started, the draft is kept whatever the result, because the user reviews its notes.
    /// - Parameter tell: Called with the page of the draft.
    package func start(
        _ builds: ReleaseBuilds, in project: String, passwordSecret: String, on client: GitHubClient,
        tell: (String) -> Void
    ) async throws -> [StartedBuild] {
        try await Scope.run(keepsOnSuccess: true) { scope in
            let draft = try await client.createDraft(tag: "\(version)-test", branch: branch, title: title)
            let path = "repos/\(client.repository)/releases/\(draft.id)"
            await scope.undo.register("the draft \(draft.page)", remedy: "gh api -X DELETE \(path)") {
                try await client.delete(draft)
            }
            tell("draft release \(draft.page)")
            let build = ReleaseBuild(
                assetID: try assetID ?? AssetID("\(version)-test-\(draft.id)"), releaseID: draft.id, branch: branch,
                passwordSecret: passwordSecret, publicity: .rehearsal)
            return try await builds.start([build], in: project)
        }
    }
}

extension ReleaseBuild {
    /// The build of the definition, and one for each of its variants.
    /// - Parameter variants: The names of the variants, and the environment variables that make their settings.
    package func with(_ variants: [(name: String, settings: [String: String])]) throws -> [ReleaseBuild] {
        guard !variants.isEmpty else { return [self] }
        var plain = self
        plain.label = "plain"
        return try [plain]
            + variants.map { variant in
                var build = self
                (build.variant, build.label) = (variant.name, variant.name)
                build.assetID = try AssetID("\(assetID)-\(variant.name)")
                build.settings = variant.settings
                return build
            }
    }
}

extension PollingPolicy {
    /// For release builds: one may be queued for 8 hours and then run for 36. Polls often, so that log lines appear
    /// promptly.
    package var forReleaseBuilds: PollingPolicy {
        var policy = self
        policy.limit = .seconds(48 * 3600)
        policy.longest = min(longest, .seconds(5))
        policy.patience = .seconds(1800)
        return policy
    }
}

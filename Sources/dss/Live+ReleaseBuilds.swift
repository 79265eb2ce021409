import AWSCore
import AWSIdentity
import AWSProvider
import ArgumentParser
import Releasing
import Reporting
import Sandbox

/// Releases that are built on CodeBuild.
extension Live {
    /// Gives `body` the project that builds releases.
    func withReleaseProject(
        _ options: ReleaseBuildOptions, _ body: (ReleaseBuildDesk) async throws -> Void
    ) async throws {
        var pace = try pace()
        // A build may wait for eight hours and then take 36; lines are wanted while they are new.
        pace.limit = .seconds(48 * 3600)
        pace.longest = min(pace.longest, .seconds(5))
        pace.patience = .seconds(1800)
        try await withImages(options.aws, options.definition) { client, _ in
            let project = try await ReleaseProject.find(in: client)
            try await body(ReleaseBuildDesk(options, project, client, pace))
        }
    }
}

/// Where builds are started, told of, and stopped if somebody wants that.
struct ReleaseBuildDesk: Sendable {
    private let options: ReleaseBuildOptions
    private let project: ReleaseProject
    private let builds: ReleaseBuilds

    init(_ options: ReleaseBuildOptions, _ project: ReleaseProject, _ client: AWSClient, _ pace: Pace) {
        self.options = options
        self.project = project
        let side = Terminal.standardError
        let style = side.style
        builds = ReleaseBuilds(
            client, pace: pace,
            .init { build, news in
                side.write(news.text(build.variant, style))
            } stops: { running in
                guard Question.canBeAsked else { return false }
                let names = running.map(\.id).joined(separator: ", ")
                return (try? await Question.isAnsweredYes("Stop \(names) as well?")) ?? false
            })
    }

    func start(
        _ id: AssetID, release: Int, _ publicity: ReleaseBuild.Publicity
    ) async throws -> [StartedBuild] {
        let build = ReleaseBuild(
            assetID: id, releaseID: release, branch: options.branch,
            passwordSecret: options.passwordSecret ?? project.passwordSecret, publicity: publicity)
        return try await builds.start([build], in: project.name)
    }

    /// Shows how they end, as result and as exit code.
    func follow(_ started: [StartedBuild]) async throws {
        guard let release = started.first?.build.releaseID else { return }
        let output = Terminal.standardOutput
        if options.noWait {
            output.write(
                options.json
                    ? BuildResults.json(releaseID: release, started).pretty + "\n"
                    : started.map { "\($0.id)\n" }.joined())
            return
        }
        let results = BuildResults(releaseID: release, builds: try await builds.follow(started))
        output.write(options.json ? results.json.pretty + "\n" : results.text(output.style))
        guard let failure = results.failure else { return }
        throw options.json ? ExitCode(failure.code.rawValue) : failure
    }
}

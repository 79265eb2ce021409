import AWSCore
import AWSIdentity
import AWSProvider
import ArgumentParser
import Definition
import Releasing
import Reporting
import Sandbox

/// Releases that are built on CodeBuild.
extension Live {
    /// What the definition names to be built beside it; each is checked as the definition itself is.
    func variants(_ options: DefinitionOptions) throws -> [SandboxVariant] {
        let source = try source(options)
        let variants = try source.loadSandbox().definition.definition.variants ?? []
        guard !variants.isEmpty else {
            throw Failure(
                .badData, "\(options.file) names no variants to build",
                advice: "for example variants: {big: {disk.size: 64GiB}}")
        }
        for variant in variants {
            var own = source
            own.overrides += variant.settings.map {
                Override($0.key, $0.value, flag: "variants.\(variant.name).\($0.key)")
            }
            do { _ = try own.loadSandbox() } catch var failure as Failure {
                failure.message = "the variant '\(variant.name)' cannot be built: \(failure.message)"
                throw failure
            }
        }
        return variants
    }

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
                side.write(news.text(build.label, style))
            } stops: { running in
                guard Question.canBeAsked else { return false }
                let names = running.map(\.id).joined(separator: ", ")
                return (try? await Question.isAnsweredYes("Stop \(names) as well?")) ?? false
            })
    }

    /// - Parameter variants: built beside the definition itself.
    func start(
        _ id: AssetID, release: Int, _ publicity: ReleaseBuild.Publicity, variants: [SandboxVariant] = []
    ) async throws -> [StartedBuild] {
        let plain = ReleaseBuild(
            label: variants.isEmpty ? nil : "plain", assetID: id, releaseID: release, branch: options.branch,
            passwordSecret: options.passwordSecret ?? project.passwordSecret, publicity: publicity)
        let others = try variants.map { variant in
            var build = plain
            (build.variant, build.label) = (variant.name, variant.name)
            build.assetID = try AssetID("\(id)-\(variant.name)")
            build.settings = variant.settings.reduce(into: [:]) { $0[$1.environmentVariable] = $1.value }
            return build
        }
        return try await builds.start([plain] + others, in: project.name)
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

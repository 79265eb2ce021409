import AWSCore
import AWSIdentity
import AWSProvider
import AWSServices
import ArgumentParser
import Definition
import Releasing
import Reporting
import Sandbox
import Workbench

/// Access to releases: GitHub, the image bucket, and downloads.
extension Live {
    /// Runs `body` with a GitHub client for the repository, using the token from the environment.
    func withGitHub<Result>(
        _ options: GitHubOptions, _ definition: SandboxDefinition, _ body: (GitHubClient) async throws -> Result
    ) async throws -> Result {
        let repository = try GitHubRepository(options.repository ?? definition.github.repository)
        let server = try GitHubServer(url: options.url ?? set("GITHUB_API_URL") ?? GitHubServer.standard)
        let token = try GitHubToken(in: environment)
        return try await withTransport { transport in
            try await body(
                GitHubClient(
                    repository,
                    GitHubWorld(transport: transport, server: server, token: token, tell: Self.warn)))
        }
    }

    /// Runs `body` with the image bucket and its contents.
    func withPublishedBuilds<Result>(
        _ options: AWSAssetOptions, _ body: (PublishedBuilds) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(options.definition)
        return try await withAWSAssets(options, "*") { search in
            let bucket = try await ImageBucket.find(in: search.client, for: .download)
            let store = S3ArtifactStore(search.client, bucket)
            let regions = options.names.isEmpty ? Set(search.regions + aws.regions).sorted() : search.regions
            return try await body(
                PublishedBuilds(
                    search: search, regions: regions, store: store,
                    catalog: ReleaseCatalog(store, bucket: bucket.name, prefix: names.bucketPrefix)))
        }
    }

    /// Runs `body` with the public download source: the URL from the flag or the environment, else the URL of the
    /// account's own stack.
    func withDownloads<Result>(
        url: String?, _ aws: AWSOptions, _ definition: DefinitionOptions, tell: @escaping @Sendable (String) -> Void,
        _ body: (DownloadSource) async throws -> Result
    ) async throws -> Result {
        let prefix = try cloud(definition).names.bucketPrefix
        let address: String
        if let url = url ?? set("DSS_DOWNLOAD_URL") {
            address = url
        } else {
            address = try await ownAddress(aws, definition)
        }
        return try await withTransport { transport in
            try await body(
                DownloadSource(url: address, prefix: prefix, PlainHTTP(transport: transport, tell: tell)))
        }
    }

    private func ownAddress(_ aws: AWSOptions, _ definition: DefinitionOptions) async throws -> String {
        do {
            return try await withImages(aws, definition) { client, _ in
                try await ImageBucket.find(in: client, for: .download).address
            }
        } catch let error as IdentityError where aws.caller.profile == nil {
            throw Failure(
                .usage, "no download URL given, and no AWS credentials to look it up",
                details: [error.message], advice: "add --url https://… or set DSS_DOWNLOAD_URL")
        }
    }

    /// The value of an environment variable; an empty value counts as unset.
    private func set(_ variable: String) -> String? {
        environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    @Sendable static func warn(_ text: String) {
        Terminal.standardError.write(Message.warning(text, Terminal.standardError.style))
    }
}

/// The published builds of an account: files from the bucket, AMIs from EC2.
struct PublishedBuilds: Sendable {
    let search: AWSAssets
    let regions: [String]
    let store: S3ArtifactStore
    let catalog: ReleaseCatalog

    /// The available AMIs by asset id.
    /// - Throws: `AWSError` if a region cannot be listed, because the published release would silently miss its AMIs.
    func images() async throws -> [String: [PublishedRelease.Image]] {
        let inventory = try await search.find([.ami], in: regions)
        if let gap = inventory.gaps.first { throw gap.reason }
        return Dictionary(grouping: inventory.assets.filter { $0.state == "available" }, by: \.assetID)
            .mapValues { images in
                images.map {
                    PublishedRelease.Image(region: $0.region, id: $0.id, name: $0.name ?? "", isPublic: $0.isPublic)
                }
            }
    }

    /// - Parameter base: The prefix of all keys; empty for URLs relative to the distribution.
    func release(
        _ manifest: Manifest, _ images: [String: [PublishedRelease.Image]], base: String
    ) -> PublishedRelease {
        let id = manifest.assetID
        // An AMI that is identified only by its name may have dashes where the id has dots.
        let found = images[id.rawValue] ?? images[id.dashed] ?? []
        return PublishedRelease(manifest, images: found) {
            base + percentEncoded(catalog.key(id, $0), keepsSlash: true)
        }
    }
}

/// Release builds on CodeBuild.
extension Live {
    /// The variants in the definition; each is validated like the definition itself.
    func variants(_ options: DefinitionOptions) throws -> [SandboxVariant] {
        let source = try source(options)
        let variants = try source.loadSandbox().definition.definition.variants ?? []
        guard !variants.isEmpty else {
            throw Failure(
                .badData, "\(options.file) defines no variants",
                advice: "add variants, for example variants: {big: {disk.size: 64GiB}}")
        }
        for variant in variants {
            var own = source
            own.overrides += variant.settings.map {
                Override($0.key, $0.value, flag: "variants.\(variant.name).\($0.key)")
            }
            do { _ = try own.loadSandbox() } catch var failure as Failure {
                failure.message = "variant '\(variant.name)' is invalid: \(failure.message)"
                throw failure
            }
        }
        return variants
    }

    /// Runs `body` with the CodeBuild project for releases.
    func withReleaseProject(
        _ options: ReleaseBuildOptions, _ body: (ReleaseBuildConsole) async throws -> Void
    ) async throws {
        var polling = try polling()
        // A build may be queued for 8 hours and then run for 36. Poll often, so that log lines appear promptly.
        polling.limit = .seconds(48 * 3600)
        polling.longest = min(polling.longest, .seconds(5))
        polling.patience = .seconds(1800)
        try await withImages(options.aws, options.definition) { client, _ in
            let project = try await ReleaseProject.find(in: client)
            try await body(ReleaseBuildConsole(options, project, client, polling))
        }
    }
}

/// Starts builds, reports their progress, and stops them on request.
struct ReleaseBuildConsole: Sendable {
    private let options: ReleaseBuildOptions
    private let project: ReleaseProject
    private let builds: ReleaseBuilds

    init(_ options: ReleaseBuildOptions, _ project: ReleaseProject, _ client: AWSClient, _ polling: PollingPolicy) {
        self.options = options
        self.project = project
        let side = Terminal.standardError
        let style = side.style
        builds = ReleaseBuilds(
            client, polling: polling,
            .init { build, news in
                side.write(news.text(build.label, style))
            } stops: { running in
                guard Question.canBeAsked else { return false }
                let names = running.map(\.id).joined(separator: ", ")
                return (try? await Question.isAnsweredYes("Stop \(names) as well?")) ?? false
            })
    }

    /// - Parameter variants: The variants to build in addition to the definition.
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

    /// Waits for the builds, and reports their results as output and exit code.
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

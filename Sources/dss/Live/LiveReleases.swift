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
        let server = try GitHubServer(url: options.url ?? variable("GITHUB_API_URL") ?? GitHubServer.standard)
        let token = try GitHubToken(in: environment)
        return try await withTransport { transport in
            try await body(
                GitHubClient(
                    repository,
                    GitHubWorld(transport: transport, server: server, token: token, tell: warn)))
        }
    }

    /// Runs `body` with the image bucket and its contents.
    func withShelf<Result>(
        _ options: AWSAssetOptions, _ body: (PublishedBuilds) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(options.definition)
        return try await withAWSAssets(options, "*") { search in
            let front = try await ImageBucket.front(in: search.client)
            let regions = options.names.isEmpty ? Set(search.regions + aws.regions).sorted() : search.regions
            return try await body(
                PublishedBuilds(
                    search: search, regions: regions, front: front,
                    shelf: ReleaseCatalog(search.client, bucket: front.bucket, prefix: names.bucketPrefix)))
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
        if let url = url ?? variable("DSS_DOWNLOAD_URL") {
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
                try await ImageBucket.front(in: client).address
            }
        } catch let error as IdentityError where aws.caller.profile == nil {
            throw Failure(
                .usage, "no download URL given, and no AWS credentials to look it up",
                details: [error.message], advice: "add --url https://… or set DSS_DOWNLOAD_URL")
        }
    }
}

/// The published builds of an account: files from the bucket, AMIs from EC2.
struct PublishedBuilds: Sendable {
    let search: AssetSearch
    let regions: [String]
    let front: ImageBucket.Front
    let shelf: ReleaseCatalog

    /// The available AMIs by asset id.
    /// - Throws: `AWSError` if a region cannot be listed, because the published release would silently miss its AMIs.
    func images() async throws -> [String: [PublishedRelease.Image]] {
        let inventory = try await search.assets.find(search.rules, kinds: [.ami], in: regions)
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
        return PublishedRelease(manifest, images: found) { base + percentEncoded(shelf.key(id, $0), keepsSlash: true) }
    }
}

/// Release builds on CodeBuild.
extension Live {
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
            try await body(ReleaseBuildConsole(options, project, client, polling, self))
        }
    }
}

/// Starts builds, reports their progress, and stops them on request.
struct ReleaseBuildConsole: Sendable {
    private let options: ReleaseBuildOptions
    private let project: ReleaseProject
    private let builds: ReleaseBuilds
    private let live: Live

    init(
        _ options: ReleaseBuildOptions, _ project: ReleaseProject, _ client: AWSClient, _ polling: PollingPolicy,
        _ live: Live
    ) {
        self.live = live
        self.options = options
        self.project = project
        let side = live.standardError
        let style = side.style
        builds = ReleaseBuilds(
            client, polling: polling,
            .init { build, news in
                side.write(news.text(build.label, style))
            } stops: { running in
                guard live.keyboard.isTerminal else { return false }
                let names = running.map(\.id).joined(separator: ", ")
                return (try? await live.isAnsweredYes("Stop \(names) as well?")) ?? false
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
        let output = live.standardOutput
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

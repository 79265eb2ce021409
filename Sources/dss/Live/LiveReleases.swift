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

    /// Runs `body` with the published builds, and with their bucket.
    func withPublishedBuilds<Result>(
        _ options: AWSAssetOptions, _ body: (PublishedBuilds, S3ArtifactStore) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(options.definition)
        return try await withAWSAssets(options, "*") { search in
            let bucket = try await ImageBucket.find(in: search.client, for: .download)
            let store = S3ArtifactStore(search.client, bucket)
            let regions = options.names.isEmpty ? Set(search.regions + aws.regions).sorted() : search.regions
            let catalog = ReleaseCatalog(store, bucket: bucket.name, prefix: names.bucketPrefix)
            let builds = PublishedBuilds(catalog, address: bucket.address) { try await search.images(in: regions) }
            return try await body(builds, store)
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
                try await ImageBucket.find(in: client, for: .download).address
            }
        } catch let error as IdentityError where aws.caller.profile == nil {
            throw Failure(
                .usage, "no download URL given, and no AWS credentials to look it up",
                details: [error.message], advice: "add --url https://… or set DSS_DOWNLOAD_URL")
        }
    }
}

extension AWSAssets {
    /// The available AMIs with our tag, by asset id.
    /// - Throws: `AWSError` if a region cannot be listed, because the published release would silently miss its AMIs.
    fileprivate func images(in regions: [String]) async throws -> [String: [PublishedRelease.Image]] {
        let inventory = try await find([.ami], in: regions)
        if let gap = inventory.gaps.first { throw gap.reason }
        let images = inventory.assets.filter { $0.state == "available" && !$0.isNameOnly }
        return Dictionary(grouping: images, by: \.assetID)
            .mapValues { images in
                images.map {
                    PublishedRelease.Image(region: $0.region, id: $0.id, name: $0.name ?? "", isPublic: $0.isPublic)
                }
            }
    }
}

/// Release builds on CodeBuild.
extension Live {
    /// Starts builds of the project for releases, follows them unless told otherwise, and prints their results.
    func build(
        _ options: ReleaseBuildOptions, _ start: (ReleaseBuilds, ReleaseProject) async throws -> [StartedBuild]
    ) async throws {
        let policy = try polling().forReleaseBuilds
        try await withImages(options.aws, options.definition) { client, _ in
            let project = try await ReleaseProject.find(in: client)
            let builds = ReleaseBuilds(client, polling: policy, releaseBuildCallbacks)
            let started = try await start(builds, project)
            guard let release = started.first?.build.releaseID else { return }
            if options.noWait {
                return standardOutput.write(
                    options.json
                        ? BuildResults.json(releaseID: release, started).pretty + "\n"
                        : started.map { "\($0.id)\n" }.joined())
            }
            let results = BuildResults(releaseID: release, builds: try await builds.follow(started))
            standardOutput.write(options.json ? results.json.pretty + "\n" : results.text(standardOutput.style))
            guard let failure = results.failure else { return }
            throw options.json ? ExitCode(failure.code.rawValue) : failure
        }
    }

    private var releaseBuildCallbacks: ReleaseBuilds.Callbacks {
        let style = standardError.style
        return .init { build, news in
            standardError.write(news.text(build.label, style))
        } stops: { running in
            guard keyboard.isTerminal else { return false }
            let names = running.map(\.id).joined(separator: ", ")
            return (try? await isAnsweredYes("Stop \(names) as well?")) ?? false
        }
    }
}

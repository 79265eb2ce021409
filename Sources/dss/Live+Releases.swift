import AWSCore
import AWSIdentity
import AWSProvider
import AWSServices
import Definition
import Releasing
import Reporting
import Sandbox
import Workbench

/// Releases: where they are told of, and where their files lie.
extension Live {
    /// Gives `body` a client of the repository's GitHub, with the token of the environment.
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

    /// Gives `body` the bucket of images and what is in it.
    func withShelf<Result>(
        _ options: AWSAssetOptions, _ body: (ReleaseDesk) async throws -> Result
    ) async throws -> Result {
        let (names, aws) = try cloud(options.definition)
        return try await withAWSAssets(options, "*") { search in
            let front = try await ImageBucket.front(in: search.client)
            let regions = options.names.isEmpty ? Set(search.regions + aws.regions).sorted() : search.regions
            return try await body(
                ReleaseDesk(
                    search: search, regions: regions, front: front,
                    shelf: ReleaseShelf(search.client, bucket: front.bucket, prefix: names.bucketPrefix)))
        }
    }

    /// Gives `body` where the public downloads: the address of flag or environment, else that of the account's own
    /// stack.
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
                try await ImageBucket.front(in: client).address
            }
        } catch let error as IdentityError where aws.caller.profile == nil {
            throw Failure(
                .usage, "where to download from is not said, and no AWS account is there to look it up in",
                details: [error.message], advice: "add --url https://… or set DSS_DOWNLOAD_URL")
        }
    }

    /// The value of an environment variable; empty is as good as none.
    private func set(_ variable: String) -> String? {
        environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    @Sendable static func warn(_ text: String) {
        Terminal.standardError.write(Message.warning(text, Terminal.standardError.style))
    }
}

/// The published builds of an account: files from the bucket, AMIs from EC2.
struct ReleaseDesk: Sendable {
    let search: AssetSearch
    let regions: [String]
    let front: ImageBucket.Front
    let shelf: ReleaseShelf

    /// The AMIs that are ready, by asset id.
    /// - Throws: `AWSError` where a region does not tell: what is published would silently lack its AMIs.
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

    /// - Parameter base: put before keys; empty for addresses within the distribution.
    func release(
        _ manifest: Manifest, _ images: [String: [PublishedRelease.Image]], base: String
    ) -> PublishedRelease {
        let id = manifest.assetID
        // An AMI that is known by its name alone may have dashes where the id has dots.
        let found = images[id.rawValue] ?? images[id.dashed] ?? []
        return PublishedRelease(manifest, images: found) { base + percentEncoded(shelf.key(id, $0), keepsSlash: true) }
    }
}

import ArgumentParser
import LocalProvider
import Sandbox

/// What the image is called, and how it is packed.
struct DockerOptions: ParsableArguments {
    @Option(
        name: .customLong("repository"),
        help: ArgumentHelp(
            "Where the image belongs: [HOST[:PORT]/]ORG/REPO. The definition's github.repository by default, on Docker Hub.",
            valueName: "repository"))
    var repositoryName: String?

    @Option(
        name: .customLong("version"),
        help: ArgumentHelp("The version in the image's name; the asset id by default.", valueName: "version"))
    var imageVersion: String?

    @Option(help: "How layers are compressed: gzip for every engine, zstd for those since 2023.")
    var compression = LayerCompression.gzip

    func repository(_ definition: SandboxDefinition) throws -> ImageRepository {
        try ImageRepository(repositoryName ?? definition.github.repository.lowercased())
    }
}

extension LayerCompression: ExpressibleByArgument {}

import ArgumentParser
import LocalProvider
import Sandbox

/// The name of the Docker image, and how its layers are compressed.
struct DockerOptions: ParsableArguments {
    @Option(
        name: .customLong("repository"),
        help: ArgumentHelp(
            "Image repository: [HOST[:PORT]/]ORG/REPO (default: github.repository of the definition, on Docker Hub)",
            valueName: "repository"))
    var repositoryName: String?

    @Option(
        name: .customLong("version"),
        help: ArgumentHelp("Version tag of the image (default: the asset id)", valueName: "version"))
    var imageVersion: String?

    @Option(help: "Layer compression; gzip works with every engine, zstd requires an engine from 2023 or later")
    var compression = LayerCompression.gzip

    func repository(_ definition: SandboxDefinition) throws -> ImageRepository {
        try ImageRepository(repositoryName ?? definition.github.repository.lowercased())
    }
}

extension LayerCompression: ExpressibleByArgument {}

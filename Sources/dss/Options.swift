import ArgumentParser
import Sandbox

/// How results and progress are shown.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON: events line by line, or one document.")
    var json = false

    @Flag(name: .shortAndLong, help: "Also show what the tools themselves print.")
    var verbose = false
}

/// Which sandbox is meant.
struct DefinitionOptions: ParsableArguments {
    @Option(
        name: .customLong("definition"),
        help: ArgumentHelp("The definition of the sandbox.", valueName: "file"), completion: .file(extensions: ["yaml"])
    )
    var file = "sandbox.yaml"

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Sets a key of the definition, for example --set disk.size=12GiB; may be repeated.", valueName: "key=value")
    )
    var settings: [String] = []
}

/// Where finished images, running builds and reusable stages lie.
struct PlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The folder of finished images. [DSS_BUCKET]", valueName: "folder"), completion: .directory)
    var bucket: String?

    @Option(
        help: ArgumentHelp("The folder of reusable stages. [DSS_CACHE]", valueName: "folder"), completion: .directory)
    var cache: String?

    @Option(
        help: ArgumentHelp("The folder of running builds. [DSS_STATE]", valueName: "folder"), completion: .directory)
    var state: String?
}

/// The asset id of one build.
struct AssetOptions: ParsableArguments {
    @Option(
        name: .customLong("asset-id"),
        help: ArgumentHelp(
            "The name under which everything is kept; the definition's version by default.", valueName: "id"))
    var assetID: String?

    func assetID(in definition: SandboxDefinition) throws -> AssetID {
        try assetID.map { try AssetID($0) } ?? definition.defaultAssetID
    }
}

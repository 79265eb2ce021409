import AWSIdentity
import AWSProvider
import ArgumentParser

/// Where assets on AWS are looked for, and by whom.
struct AWSAssetOptions: ParsableArguments {
    @Option(
        name: .customLong("region"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "AWS regions, or 'all'; by default the caller's, else those of the definition. [AWS_REGION]",
            valueName: "name"))
    var regions: [String] = []

    @OptionGroup var caller: CallerOptions
    @OptionGroup var definition: DefinitionOptions

    var isEverywhere: Bool { names == ["all"] }

    /// Also `a,b` is two.
    var names: [String] { regions.flatMap { $0.split(separator: ",").map(String.init) } }

    func validate() throws {
        if names.contains("all"), !isEverywhere { throw ValidationError("'--region all' stands alone.") }
        if let bad = names.first(where: { !isRegion($0) }) {
            throw ValidationError("'\(bad)' is not the name of a region, such as eu-central-1.")
        }
    }
}

/// Kinds of assets, one after the other or with commas between.
struct AssetKinds: ExpressibleByArgument, Sendable {
    let kinds: [AWSAsset.Kind]

    init?(argument: String) {
        let names = argument.split(separator: ",")
        kinds = names.compactMap { AWSAsset.Kind(rawValue: String($0)) }
        guard kinds.count == names.count, !names.isEmpty else { return nil }
    }

    static let allValueStrings = AWSAsset.Kind.allCases.map(\.rawValue)
}

extension [AssetKinds] {
    var all: Set<AWSAsset.Kind> { Set(flatMap(\.kinds)) }
}

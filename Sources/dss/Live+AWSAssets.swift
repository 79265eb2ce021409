import AWSCore
import AWSIdentity
import AWSProvider
import Definition
import Sandbox
import Workbench

extension Live {
    /// Names and tags of the definition, where there is one; otherwise the usual ones.
    func names(_ options: DefinitionOptions) throws -> SandboxDefinition.Names {
        try fileExists(options.file) ? loaded(options).definition.definition.names : .init()
    }

    /// Gives `body` what was asked for: whose assets on AWS, and the regions to look in.
    func withAWSAssets<Result>(
        _ options: AWSAssetOptions, _ pattern: String, _ body: (AssetSearch) async throws -> Result
    ) async throws -> Result {
        let definition =
            fileExists(options.definition.file) ? try loaded(options.definition).definition.definition : nil
        let aws = definition?.aws ?? .init()
        let flag = options.isEverywhere ? nil : options.names.first
        return try await withAWS(options.caller, region: flag) { identity in
            var regions = options.names.isEmpty ? identity.region.map { [$0.value] } ?? aws.regions : options.names
            let client = try identity.orRegion(of: aws).client()
            let assets = AWSAssets(client)
            if options.isEverywhere { regions = try await assets.regions() }
            let rules = AssetRules(
                names: definition?.names ?? .init(), volumeGiB: aws.volumeSizeGiB, AssetPattern(pattern))
            return try await body(AssetSearch(client: client, assets: assets, rules: rules, regions: regions))
        }
    }
}

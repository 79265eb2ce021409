import AWSCore
import AWSProvider
import Reporting
import Sandbox

/// What was asked for: whose assets, in which regions.
struct AssetSearch: Sendable {
    let client: AWSClient
    let assets: AWSAssets
    let rules: AssetRules
    let regions: [String]

    func find(_ kinds: Set<AWSAsset.Kind> = []) async throws -> AWSAssets.Inventory {
        try await assets.find(rules, kinds: kinds.isEmpty ? Set(AWSAsset.Kind.allCases) : kinds, in: regions)
    }
}

extension AWSAssets.Inventory {
    /// Warns of the regions that did not tell.
    func warnOfGaps() {
        let terminal = Terminal.standardError
        for gap in gaps {
            terminal.write(
                Message.warning("\(gap.region) could not be looked at: \(gap.reason)", terminal.style))
        }
    }
}

import AWSCore
import AWSServices
import Sandbox

/// Which AMI is meant: by its id, or by its asset id.
package enum ImageSearch: Sendable, Equatable {
    case id(String)
    case asset(AssetID)

    /// - Throws: `Failure` where there is none, or more than one.
    package func find(in client: AWSClient, names: SandboxDefinition.Names) async throws -> CapturedImage {
        let image = try await find(client, names)
        return CapturedImage(
            id: image.imageId, name: image.name ?? "",
            snapshotID: image.rootDisk?.snapshotId ?? image.snapshotIDs.first ?? "",
            volumeGiB: image.rootDisk?.volumeSize ?? 0)
    }

    /// What can be started to be looked at, whoever owns it.
    /// - Throws: `Failure` where there is none, where more than one is meant, or where it cannot be started.
    package func startable(in client: AWSClient, names: SandboxDefinition.Names) async throws -> StartableImage {
        let image =
            switch self {
            case .id(let id): try await BuildSite.image(id, in: client)
            case .asset: try await find(client, names)
            }
        let owner = AssetRules(names: names, AssetPattern("*")).owner(image.tags, amiName: image.name)
        return StartableImage(
            source: try image.source(for: nil), facts: ImageFacts(image.tags), assetID: owner ?? image.imageId)
    }

    private func find(_ client: AWSClient, _ names: SandboxDefinition.Names) async throws -> EC2.Image {
        let images = OwnImages(client)
        switch self {
        case .id(let id): return try await images.required(id)
        case .asset(let id):
            let found = try await images.images(of: id, names)
            if let image = found.first, found.count == 1 { return image }
            throw Failure(
                .badData,
                found.isEmpty
                    ? "the asset id \(id) has no AMI in \(client.region)"
                    : "the asset id \(id) has \(found.count) AMIs in \(client.region)",
                details: found.map { "\($0.imageId) \($0.name ?? "") (\($0.state))" },
                advice: found.isEmpty
                    ? "dss show-aws-assets --asset-id '\(id)' --region all" : "name the one that is meant by its id")
        }
    }
}

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
        let disk = image.blockDeviceMappings.first { $0.deviceName == image.rootDeviceName }?.ebs
        return CapturedImage(
            id: image.imageId, name: image.name ?? "", snapshotID: disk?.snapshotId ?? image.snapshotIDs.first ?? "",
            volumeGiB: disk?.volumeSize ?? 0)
    }

    private func find(_ client: AWSClient, _ names: SandboxDefinition.Names) async throws -> EC2.Image {
        let images = OwnImages(client)
        switch self {
        case .id(let id):
            if let image = try await images.image(id) { return image }
            throw Failure(
                .badData, "this account has no AMI \(id) in \(client.region)",
                advice: "dss show-aws-assets --asset-type ami --region all")
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

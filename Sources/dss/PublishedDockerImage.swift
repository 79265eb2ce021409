import AWSCore
import AWSProvider
import AWSServices
import ContainerImages
import FoundationEssentials
import Sandbox

/// The record of a pushed Docker image beside the VM images of its asset id: there, another machine finds it too, and
/// whoever removes the asset id's things removes it.
struct PublishedDockerImage: Sendable {
    let client: AWSClient
    let bucket: String

    /// Of `data_science_sandbox/<asset-id>/docker-image.json`.
    /// - Parameter prefix: that of the definition's names.
    static func key(_ prefix: String, _ assetID: AssetID) -> String {
        assetID.key(of: DockerRecord.fileName, under: prefix)
    }

    func list(_ record: DockerRecord, as key: String) async throws {
        _ = try await client.call(
            S3.PutObject(bucket: bucket, key: key, body: Array(try record.json.utf8), contentType: "application/json"))
    }

    /// - Returns: `nil` where there is none, or something else.
    func record(_ key: String) async throws -> DockerRecord? {
        do {
            let body = try await client.call(S3.GetObject(bucket: bucket, key: key)).body
            return try? JSONDecoder().decode(DockerRecord.self, from: Data(body))
        } catch let error as AWSError where error.code == "NoSuchKey" {
            return nil
        }
    }
}

extension AssetSearch {
    /// The assets, with what pulls the Docker images among them.
    func withPullLines(_ assets: [AWSAsset]) async throws -> [AWSAsset] {
        var assets = assets
        for index in assets.indices where assets[index].shortID == DockerRecord.fileName && assets[index].url != nil {
            let asset = assets[index]
            let image = PublishedDockerImage(client: client.region(asset.region), bucket: asset.bucket?.name ?? "")
            assets[index].pullLine = try await image.record(asset.id)?.pullLine
        }
        return assets
    }
}

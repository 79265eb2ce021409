import FoundationEssentials
import Sandbox
import Workbench

/// Tells whether the images in the bucket are what an order would give.
struct FinishedImages: Sendable {
    var bucket: LocalBucket
    var verifier: PasswordVerifier

    /// - Parameter inputs: the hash of all that goes into the images but the password.
    /// - Returns: `nil` where something has changed, is damaged or is missing.
    func find(_ order: BuildOrder, inputs: String) async throws -> FinishedBuild? {
        guard let manifest = bucket.manifest(order.assetID), manifest.fits(order, inputs: inputs) else { return nil }
        if case .given(let password) = order.password {
            guard try await verifier.isRemembered(password) else { return nil }
        }
        let artifacts = manifest.artifacts(in: bucket.folder(order.assetID))
        guard try await areWhole(artifacts) else { return nil }
        return FinishedBuild(artifacts: artifacts, missing: manifest.missing)
    }

    private func areWhole(_ artifacts: [Artifact]) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for artifact in artifacts {
                group.addTask {
                    guard fileExists(artifact.location) else { return false }
                    return try sha256(of: artifact.location) == artifact.sha256
                }
            }
            return try await group.allSatisfy { $0 }
        }
    }
}

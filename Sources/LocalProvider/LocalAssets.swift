import DiskImages
import FoundationEssentials
import Glibc
import LocalMachine
import Sandbox
import Workbench

/// What builds have made on this machine and what they left, found by asset id without any record of ours.
package struct LocalAssets: Sendable {
    private let bucket: LocalBucket
    private let factory: LocalMachineFactory
    private let stateDirectory: String

    package init(bucket: LocalBucket, factory: LocalMachineFactory, stateDirectory: String) {
        self.bucket = bucket
        self.factory = factory
        self.stateDirectory = stateDirectory
    }

    package func list(_ pattern: AssetPattern) async throws -> [Asset] {
        let running = try await factory.leftovers() + LeftoverGuests().assets()
        let busy = Set(running.filter { $0.state == .inUse }.map(\.assetID))
        let stored = bucket.assetIDs.flatMap { images(of: $0, isBusy: busy.contains($0.rawValue)) }
        return (stored + running).filter { pattern.matches($0.assetID) }
    }

    /// Removes everything of the asset ids in the list; what is missing already is fine.
    /// - Throws: `Failure` with code `.temporary` where a build of one of them runs.
    package func remove(_ assets: [Asset]) async throws {
        for id in Set(assets.map(\.assetID)).sorted() {
            try await factory.removeLeftovers(of: id)
            await LeftoverGuests().remove(AssetPattern(id))
            for asset in assets where asset.assetID == id && Self.storedKinds.contains(asset.kind) {
                try removeFile(asset.name)
            }
            guard let assetID = try? AssetID(id) else { continue }
            try removeFile(PasswordVerifier.path(of: assetID, in: stateDirectory))
            rmdir(bucket.folder(assetID))
        }
    }

    private static let storedKinds: Set<Asset.Kind> = [.image, .manifest, .partialExport]

    private func images(of assetID: AssetID, isBusy: Bool) -> [Asset] {
        let folder = bucket.folder(assetID)
        let described = Set(bucket.manifest(assetID)?.files.map(\.name) ?? [])
        let endings = Set(ImageFormat.allCases.map(\.fileExtension))
        return bucket.files(assetID).compactMap { name in
            let path = "\(folder)/\(name)"
            let bytes = bytesOnDisk(path)
            let unfinished: Asset.State = isBusy ? .inUse : .orphaned
            if ConvertedImage.isPartialName(name) {
                return Asset(
                    assetID: assetID.rawValue, kind: .partialExport, name: path, bytes: bytes, state: unfinished)
            }
            if [Manifest.fileName, Manifest.checksumsFileName].contains(name) {
                return Asset(assetID: assetID.rawValue, kind: .manifest, name: path, bytes: bytes, state: .ready)
            }
            guard let ending = name.split(separator: ".").last, endings.contains(String(ending)) else { return nil }
            let state = described.contains(name) ? .ready : unfinished
            return Asset(assetID: assetID.rawValue, kind: .image, name: path, bytes: bytes, state: state)
        }
    }
}

/// Bytes that a file takes on disk, holes left out.
private func bytesOnDisk(_ path: String) -> Int64? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return Int64(status.st_blocks) * 512
}

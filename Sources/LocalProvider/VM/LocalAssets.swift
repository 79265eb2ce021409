import DiskImages
import FoundationEssentials
import Glibc
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
                try removeStored(asset.name)
            }
            guard let assetID = try? AssetID(id) else { continue }
            try removeFile(PasswordVerifier.path(of: assetID, in: stateDirectory))
            rmdir(bucket.folder(assetID))
        }
    }

    private static let storedKinds: Set<Asset.Kind> = [.image, .manifest, .partialExport]
    /// What a build of the Docker edition writes: a folder, the same while it is half-written, and the record of it.
    private static let docker = (image: "docker", unfinished: ".docker.partial", record: "docker-image.json")

    /// A Docker image is a folder of which every part carries its name in it.
    private func removeStored(_ path: String) throws {
        guard [Self.docker.image, Self.docker.unfinished].contains(baseName(path)) else { return try removeFile(path) }
        if fileExists(path) { try FileManager.default.removeItem(atPath: path) }
    }

    private func images(of assetID: AssetID, isBusy: Bool) -> [Asset] {
        let folder = bucket.folder(assetID)
        let described = Set(bucket.manifest(assetID)?.files.map(\.name) ?? [])
        let endings = Set(ImageFormat.allCases.map(\.fileExtension))
        return bucket.files(assetID).compactMap { name in
            let path = "\(folder)/\(name)"
            let bytes = bytesOnDisk(path)
            let unfinished: Asset.State = isBusy ? .inUse : .orphaned
            if ConvertedImage.isPartialName(name) || name == Self.docker.unfinished {
                return Asset(
                    assetID: assetID.rawValue, kind: .partialExport, name: path, bytes: bytes, state: unfinished)
            }
            if name == Self.docker.image {
                let isFinished = fileExists("\(folder)/\(Self.docker.record)")
                return Asset(
                    assetID: assetID.rawValue, kind: .image, name: path, bytes: bytesBelow(path),
                    state: isFinished ? .ready : unfinished)
            }
            if [Manifest.fileName, Manifest.checksumsFileName, Self.docker.record].contains(name) {
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

/// Bytes that the layers of a Docker image take on disk.
private func bytesBelow(_ path: String) -> Int64 {
    let blobs = "\(path)/blobs/sha256"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: blobs)) ?? []
    return names.compactMap { bytesOnDisk("\(blobs)/\($0)") }.reduce(0, +)
}

import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// What builds made on this machine and what they left, found by asset id without a record of past builds.
package struct LocalAssets: AssetInventory {
    private let bucket: LocalBucket
    private let factory: LocalMachineFactory
    private let stateDirectory: String
    private let pattern: AssetPattern

    package init(
        bucket: LocalBucket, factory: LocalMachineFactory, stateDirectory: String, _ pattern: AssetPattern
    ) {
        self.bucket = bucket
        self.factory = factory
        self.stateDirectory = stateDirectory
        self.pattern = pattern
    }

    /// A single wave: a build's resources are removed together, under its lock.
    package static let removalOrder: [Set<Asset.Kind>] = [
        [.image, .manifest, .machine, .network, .process, .mount, .buildDirectory, .partialExport]
    ]

    package func find() async throws -> Inventory {
        let running = try await factory.leftovers() + LeftoverGuests().assets()
        let busy = Set(running.filter(\.isInUse).map(\.assetID))
        let stored = bucket.assetIDs.flatMap { files(of: $0, isBusy: busy.contains($0.rawValue)) }
        return Inventory(assets: (stored + running).filter { pattern.matches($0.assetID) })
    }

    package func batches(of wave: [Asset]) -> [[Asset]] {
        Dictionary(grouping: wave, by: \.assetID).sorted { $0.key < $1.key }.map(\.value)
    }

    /// Removes everything of one asset id.
    package func remove(_ batch: [Asset]) async throws -> [Leftover] {
        guard let id = batch.first?.assetID else { return [] }
        do { try await factory.removeLeftovers(of: id) } catch let failure as Failure {
            let reason = ([failure.message] + failure.details).joined(separator: "; ")
            let present = Set(try await find().assets.map(\.place))
            return batch.filter { present.contains($0.place) }.map { Leftover($0, reason: reason) }
        }
        await LeftoverGuests().remove(AssetPattern(id))
        let left = batch.filter { Self.storedKinds.contains($0.kind) }.compactMap { asset in
            do { try removeStored(asset.id) } catch { return Leftover(asset, reason: "\(error)") }
            return nil
        }
        if left.isEmpty, let assetID = try? AssetID(id) {
            try removeFile(PasswordVerifier.path(of: assetID, in: stateDirectory))
            rmdir(bucket.folder(assetID))
        }
        return left
    }

    package func manualCommand(for asset: Asset) -> String {
        switch asset.kind {
        case .mount: "sudo umount \(shellQuoted(asset.id))"
        case .network: "sudo ip netns delete \(shellQuoted(baseName(asset.id)))"
        case .image, .manifest, .partialExport: "sudo rm -r \(shellQuoted(asset.id))"
        // A tree with a mount inside must not be deleted by hand, and a process is known by more than its number.
        default: "sudo dss delete-assets --asset-id \(shellQuoted(asset.assetID))"
        }
    }
}

/// The files of finished and unfinished builds in the bucket.
extension LocalAssets {
    private static let storedKinds: Set<Asset.Kind> = [.image, .manifest, .partialExport]
    /// What a build of a Docker image writes: a folder, its name while it is half-written, and the record of it.
    private static let docker = (image: "docker", unfinished: ".docker.partial", record: "docker-image.json")

    private func files(of assetID: AssetID, isBusy: Bool) -> [Asset] {
        let folder = bucket.folder(assetID)
        let described = Set(bucket.manifest(assetID)?.files.map(\.name) ?? [])
        return bucket.files(assetID).compactMap { name in
            guard let (kind, isFinished) = classify(name, in: folder, described) else { return nil }
            let path = "\(folder)/\(name)"
            return Asset(
                kind, assetID: assetID.rawValue, id: path, bytes: bytesOnDisk(path),
                state: isFinished ? .ready : isBusy ? .inUse : .orphaned)
        }
    }

    /// What a file of the bucket is, and whether it is finished; `nil` for a file that no build writes.
    /// - Parameter described: the files in the manifest.
    private func classify(
        _ name: String, in folder: String, _ described: Set<String>
    ) -> (kind: Asset.Kind, isFinished: Bool)? {
        if ConvertedImage.isPartialName(name) || name == Self.docker.unfinished { return (.partialExport, false) }
        if name == Self.docker.image { return (.image, fileExists("\(folder)/\(Self.docker.record)")) }
        if [Manifest.fileName, Manifest.checksumsFileName, Self.docker.record].contains(name) {
            return (.manifest, true)
        }
        let endings = ImageFormat.allCases.map(\.fileExtension)
        guard let ending = name.split(separator: ".").last, endings.contains(String(ending)) else { return nil }
        return (.image, described.contains(name))
    }

    /// Docker images are folders; any other folder is not ours, so that it is left in place with an error.
    private func removeStored(_ path: String) throws {
        guard [Self.docker.image, Self.docker.unfinished].contains(baseName(path)) else { return try removeFile(path) }
        if fileExists(path) { try FileManager.default.removeItem(atPath: path) }
    }
}

/// The bytes that a file takes on disk, without its holes, or the layers of a Docker image below a folder.
private func bytesOnDisk(_ path: String) -> Int64? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int64(status.st_blocks) * 512 }
    let blobs = "\(path)/blobs/sha256"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: blobs)) ?? []
    return names.compactMap { bytesOnDisk("\(blobs)/\($0)") }.reduce(0, +)
}

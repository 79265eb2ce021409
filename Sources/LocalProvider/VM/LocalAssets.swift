import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The artifacts and leftovers of builds on this host, found by asset id without a record of past builds.
package struct LocalAssets: AssetInventory {
    private let store: DirectoryStore
    private let prefix: String
    private let factory: LocalMachineFactory
    private let stateDirectory: String
    private let pattern: AssetPattern
    private let isOfLeftovers: Bool

    /// - Parameter isOfLeftovers: whether finished images are left out.
    package init(
        store: DirectoryStore, prefix: String, factory: LocalMachineFactory, stateDirectory: String,
        _ pattern: AssetPattern, isOfLeftovers: Bool = false
    ) {
        self.store = store
        self.prefix = prefix
        self.factory = factory
        self.stateDirectory = stateDirectory
        self.pattern = pattern
        self.isOfLeftovers = isOfLeftovers
    }

    /// A single wave: a build's resources are removed together, under its lock.
    package static let removalOrder: [Set<Asset.Kind>] = [
        [.image, .manifest, .machine, .network, .process, .mount, .buildDirectory, .partialExport, .failureLogs]
    ]

    package func find() async throws -> Inventory {
        let running = try await factory.leftovers() + LeftoverGuests().assets() + factory.logAssets()
        let busy = Set(running.filter(\.isInUse).map(\.assetID))
        let stored = store.assetIDs(under: prefix).flatMap { files(of: $0, isBusy: busy.contains($0.rawValue)) }
        return Inventory(
            assets: (stored + running).filter { asset in
                pattern.matches(asset.assetID) && !(isOfLeftovers && asset.state == Asset.LocalState.ready.rawValue)
            })
    }

    package func batches(of wave: [Asset]) -> [[Asset]] {
        Dictionary(grouping: wave, by: \.assetID).sorted { $0.key < $1.key }.map(\.value)
    }

    /// Removes what was found of one asset id.
    package func remove(_ batch: [Asset]) async throws -> [Leftover] {
        guard let id = batch.first?.assetID else { return [] }
        do { try await factory.removeLeftovers(of: id) } catch let failure as Failure {
            let reason = ([failure.message] + failure.details).joined(separator: "; ")
            let present = Set(try await find().assets.map(\.place))
            return batch.filter { present.contains($0.place) }.map { Leftover($0, reason: reason) }
        }
        await LeftoverGuests().remove(AssetPattern(id))
        // One that was started after the assets were listed.
        guard !LeftoverGuests().assets().contains(where: { $0.assetID == id && $0.isInUse }) else {
            return batch.filter { fileExists($0.id) }.map {
                Leftover($0, reason: "in use by a running virtual machine")
            }
        }
        let left = batch.filter { Self.storedKinds.contains($0.kind) }.compactMap { asset in
            do { try removeStored(asset.id) } catch { return Leftover(asset, reason: "\(error)") }
            return nil
        }
        if left.isEmpty, let assetID = try? AssetID(id) {
            try await factory.removeLogs(of: assetID)
            let folder = AssetFolder(store, assetID, under: prefix)
            if !isOfLeftovers { try removeFile(PasswordVerifier.path(of: folder, in: stateDirectory)) }
            folder.removeIfEmpty()
        }
        return left
    }

    package func manualCommand(for asset: Asset) -> String {
        switch asset.kind {
        case .mount: "sudo umount \(shellQuoted(asset.id))"
        case .network: "sudo ip netns delete \(shellQuoted(baseName(asset.id)))"
        case .image, .manifest, .partialExport, .failureLogs: "sudo rm -r \(shellQuoted(asset.id))"
        // A tree with a mount inside must not be deleted by hand, and a process ID alone does not identify a process.
        default: "sudo dss delete-assets --leftovers --asset-id \(shellQuoted(asset.assetID))"
        }
    }
}

/// The files of finished and unfinished builds in the bucket.
extension LocalAssets {
    private static let storedKinds: Set<Asset.Kind> = [.image, .manifest, .partialExport]

    private func files(of assetID: AssetID, isBusy: Bool) -> [Asset] {
        let folder = AssetFolder(store, assetID, under: prefix)
        let manifest = Manifest.read(folder.path(Manifest.fileName))
        // Whether an image is finished is unknown if the manifest cannot be read; nothing published is called a leftover.
        let isUnreadable = manifest == nil && fileExists(folder.path(Manifest.fileName))
        return store.list(assetID.folder(under: prefix)).compactMap { object in
            let name = String(object.key.dropFirst(assetID.folder(under: prefix).count))
            return Self.kind(of: name, in: manifest).map { kind, isFinished in
                Asset(
                    kind, assetID: assetID.rawValue, id: store.path(object.key),
                    bytes: bytesOnDisk(store.path(object.key)),
                    state: isFinished || isUnreadable && kind == .image ? .ready : isBusy ? .inUse : .orphaned)
            }
        }
    }

    /// The kind of a file in the folder of an asset id, and whether it is finished; `nil` if builds write no such file.
    private static func kind(of name: String, in manifest: Manifest?) -> (Asset.Kind, isFinished: Bool)? {
        if name == Manifest.Container.layoutName { return (.image, manifest?.container != nil) }
        if ConvertedImage.isPartialName(name) || name == Manifest.claimFileName { return (.partialExport, false) }
        if ([Manifest.fileName] + Manifest.companionNames).contains(name) { return (.manifest, true) }
        guard ImageFormat.isImageName(name) else { return nil }
        return (.image, manifest?.files.contains { $0.name == name } ?? false)
    }

    /// Removes a file or a Docker image. Docker images are the only directories that builds create; any other directory
    /// is kept and causes an error.
    private func removeStored(_ path: String) throws {
        let layouts = [Manifest.Container.layoutName, Manifest.Container.unfinishedLayoutName]
        guard layouts.contains(baseName(path)) else { return try removeFile(path) }
        if fileExists(path) { try FileManager.default.removeItem(atPath: path) }
    }
}

/// Disk usage of a file without its holes, or of the layers of a Docker image.
private func bytesOnDisk(_ path: String) -> Int64? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int64(status.st_blocks) * 512 }
    let blobs = "\(path)/blobs/sha256"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: blobs)) ?? []
    return names.compactMap { bytesOnDisk("\(blobs)/\($0)") }.reduce(0, +)
}

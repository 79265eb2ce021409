import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// What builds have made on this machine and what they left, found by asset id without any record of ours.
package struct LocalAssets: Sendable {
    private let store: DirectoryStore
    private let prefix: String
    private let factory: LocalMachineFactory
    private let stateDirectory: String

    package init(
        store: DirectoryStore, prefix: String, factory: LocalMachineFactory, stateDirectory: String
    ) {
        self.store = store
        self.prefix = prefix
        self.factory = factory
        self.stateDirectory = stateDirectory
    }

    package func list(_ pattern: AssetPattern) async throws -> [Asset] {
        let running = try await factory.leftovers() + LeftoverGuests().assets()
        let busy = Set(running.filter { $0.state == .inUse }.map(\.assetID))
        let stored = store.assetIDs(under: prefix).flatMap { images(of: $0, isBusy: busy.contains($0.rawValue)) }
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
            AssetFolder(store, assetID, under: prefix).removeIfEmpty()
        }
    }

    private static let storedKinds: Set<Asset.Kind> = [.image, .manifest, .partialExport]

    /// A Docker image is a directory whose files are all named after their contents.
    private func removeStored(_ path: String) throws {
        guard fileExists(path) else { return }
        try FileManager.default.removeItem(atPath: path)
    }

    private func images(of assetID: AssetID, isBusy: Bool) -> [Asset] {
        let folder = AssetFolder(store, assetID, under: prefix)
        let manifest = Manifest.read(folder.path(Manifest.fileName))
        return store.list(assetID.folder(under: prefix)).compactMap { object in
            let name = String(object.key.dropFirst(assetID.folder(under: prefix).count))
            return Self.kind(of: name, in: manifest).map { kind, isFinished in
                Asset(
                    assetID: assetID.rawValue, kind: kind, name: store.path(object.key),
                    bytes: bytesOnDisk(store.path(object.key)),
                    state: isFinished ? .ready : isBusy ? .inUse : .orphaned)
            }
        }
    }

    /// What a file in the folder of an asset id is, and whether it is finished; `nil` if builds write no such file.
    private static func kind(of name: String, in manifest: Manifest?) -> (Asset.Kind, isFinished: Bool)? {
        if name == Manifest.Container.layoutName { return (.image, manifest?.container != nil) }
        if ConvertedImage.isPartialName(name) { return (.partialExport, false) }
        if [Manifest.fileName, Manifest.checksumsFileName].contains(name) { return (.manifest, true) }
        guard ImageFormat.allCases.contains(where: { name.hasSuffix(".\($0.fileExtension)") }) else { return nil }
        return (.image, manifest?.files.contains { $0.name == name } ?? false)
    }
}

/// Disk usage of a file without holes, or of the layers of a Docker image.
private func bytesOnDisk(_ path: String) -> Int64? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int64(status.st_blocks) * 512 }
    let blobs = "\(path)/blobs/sha256"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: blobs)) ?? []
    return names.compactMap { bytesOnDisk("\(blobs)/\($0)") }.reduce(0, +)
}

import DiskImages
import FoundationEssentials
import Sandbox
import Workbench

/// The folder that holds finished images as an S3 bucket would: `<prefix>/<asset-id>/<file>`.
package struct LocalBucket: Sendable {
    package let root: String
    package let prefix: String

    package init(root: String, prefix: String) {
        self.root = root
        self.prefix = prefix
    }

    package func folder(_ assetID: AssetID) -> String { "\(root)/\(prefix)/\(assetID)" }
    package func manifestPath(_ assetID: AssetID) -> String { "\(folder(assetID))/\(Manifest.fileName)" }
    package func checksumsPath(_ assetID: AssetID) -> String { "\(folder(assetID))/\(Manifest.checksumsFileName)" }

    /// The ids of all folders, finished or not.
    package var assetIDs: [AssetID] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(prefix)")) ?? []
        return names.compactMap { try? AssetID($0) }.sorted { $0.rawValue < $1.rawValue }
    }

    /// The manifest of a finished build, or `nil` where there is none that can be read.
    package func manifest(_ assetID: AssetID) -> Manifest? {
        try? Manifest.read(manifestPath(assetID))
    }

    /// Names in an asset's folder.
    func files(_ assetID: AssetID) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder(assetID))) ?? []).sorted()
    }

    /// Refuses to go on where something that no build of this asset id made lies where its files will be.
    func requireRoom(for order: BuildOrder) throws {
        let ours = Set(manifest(order.assetID)?.files.map(\.name) ?? [])
        let wanted = order.definition.formats.map(order.imageName)
        let intruders = wanted.filter { !ours.contains($0) && fileExists("\(folder(order.assetID))/\($0)") }
        guard intruders.isEmpty, isFolderOrFree(folder(order.assetID)) else {
            let paths = intruders.isEmpty ? [folder(order.assetID)] : intruders.map { "\(folder(order.assetID))/\($0)" }
            throw Failure(
                .badData, "a file that this tool did not make is in the way", details: paths,
                advice: "move it away, or choose another --asset-id or --bucket")
        }
    }

    private func isFolderOrFree(_ path: String) -> Bool {
        var isDirectory = false
        return !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) || isDirectory
    }
}

extension Manifest {
    package static func read(_ path: String) throws -> Manifest { try Manifest(json: readText(path)) }

    func artifacts(in folder: String) -> [Artifact] { artifacts { "\(folder)/\($0)" } }
}

extension LocalBucket {
    /// Files that an export has not finished.
    func partialFiles(_ assetID: AssetID) -> [String] {
        files(assetID).filter { ConvertedImage.isPartialName($0) }.map { "\(folder(assetID))/\($0)" }
    }
}

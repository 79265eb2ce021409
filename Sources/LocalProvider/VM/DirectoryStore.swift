import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// An artifact store in a directory of this host, laid out like the S3 bucket: `<prefix>/<asset-id>/<file>`.
///
/// A Docker image is a directory in the store and counts as one object.
package struct DirectoryStore: ArtifactStore {
    package let root: String

    package init(_ root: String) {
        self.root = root
    }

    package func path(_ key: String) -> String { "\(root)/\(key)" }

    package func address(of key: String) -> String { path(key) }

    /// Lists a single level, since the folder of an asset id has only one; a directory in it is one object.
    package func list(_ prefix: String) -> [StoredObject] {
        let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        return entries(of: folder).map { folder + $0 }.filter { $0.hasPrefix(prefix) }.sorted().map { key in
            let parts =
                isDirectory(key) ? entries(of: "\(key)/blobs/sha256").map { "\(key)/blobs/sha256/\($0)" } : [key]
            return StoredObject(key: key, bytes: parts.reduce(0) { $0 + length($1) })
        }
    }

    /// The asset ids that have a folder, whether their builds are finished or not.
    package func assetIDs(under prefix: String) -> [AssetID] {
        entries(of: prefix).compactMap { try? AssetID($0) }.sorted { $0.rawValue < $1.rawValue }
    }

    package func head(_ key: String) async throws -> StoredObject? {
        guard fileExists(path(key)), !isDirectory(key) else { return nil }
        return StoredObject(key: key, bytes: length(key), sha256: try await sha256InBackground(of: path(key)))
    }

    package func read(_ key: String) throws -> [UInt8]? {
        FileManager.default.contents(atPath: path(key)).map(Array.init)
    }

    package func write(_ text: String, to key: String, contentType: String) throws {
        try writeAtomically(text, to: path(key))
    }

    package func rename(_ source: String, to target: String) throws { try place(path(source), at: target) }

    /// Moves a finished file or directory into the store. The manifest is written later; a loss of power must not leave it
    /// without the files that it lists.
    func place(_ source: String, at key: String) throws {
        let parts = LocalProvider.isDirectory(source) ? Self.files(below: source) : [source]
        for part in parts { try syncFile(part) }
        for folder in Set(parts.map(parentDirectory)) { syncDirectory(folder) }
        try renameFile(source, to: path(key))
        syncDirectory(parentDirectory(path(key)))
    }

    package func delete(_ keys: [String]) throws {
        for key in keys {
            if isDirectory(key) {
                try FileManager.default.removeItem(atPath: path(key))
            } else {
                try removeFile(path(key))
            }
        }
    }

    private static func files(below folder: String) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).map { "\(folder)/\($0)" }
            .filter { FileKind(of: $0) == .file }
    }

    private func entries(of folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []
    }

    private func isDirectory(_ key: String) -> Bool {
        var status = stat()
        return lstat(path(key), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private func length(_ key: String) -> Int64 {
        var status = stat()
        return lstat(path(key), &status) == 0 ? Int64(status.st_size) : 0
    }
}

/// The folder of one asset id on this host.
extension AssetFolder where Store == DirectoryStore {
    package var path: String { store.path(assetID.folder(under: prefix).dropLastSlash) }

    package func path(_ name: String) -> String { store.path(key(name)) }

    /// The finished Docker image.
    package var layout: ImageLayout { ImageLayout(directory: path(Manifest.Container.layoutName)) }
    var unfinishedLayout: ImageLayout { ImageLayout(directory: path(Manifest.Container.unfinishedLayoutName)) }

    /// Rejects a file in the place of the folder.
    func requireFolder() throws {
        guard !fileExists(path) || isDirectory(path) else {
            throw Failure(
                .badData, "a file that dss did not create is in the way", details: [path],
                advice: "move it away, or choose another --asset-id or --bucket")
        }
    }

    /// Creates the folder and registers the removal of unfinished files in it.
    func prepare(in scope: Scope) async throws {
        try requireFolder()
        try makeDirectory(path)
        await scope.undo.register("unfinished images in \(path)", remedy: "sudo rm -r \(shellQuoted(path))/.*.partial")
        {
            try store.delete(unfinishedKeys)
            removeIfEmpty()
        }
        try store.delete([key(Manifest.Container.unfinishedLayoutName)])
    }

    /// Keys of the files of unfinished exports.
    var unfinishedKeys: [String] {
        store.list(assetID.folder(under: prefix)).map(\.key).filter { ConvertedImage.isPartialName(baseName($0)) }
    }

    /// Removes the folder if it is empty; the kernel refuses to remove a directory that is not.
    func removeIfEmpty() { rmdir(path) }
}

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

extension String {
    fileprivate var dropLastSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}

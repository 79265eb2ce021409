import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Puts finished images into the bucket: each under its final name only when it is whole, the manifest last.
struct ImagePublication: Sendable {
    var bucket: LocalBucket
    var verifier: PasswordVerifier
    var now: @Sendable () -> Date

    /// Makes the folder and registers that half-written files in it are removed again.
    func prepare(_ order: BuildOrder, undo: Undo) async throws -> String {
        let folder = bucket.folder(order.assetID)
        try makeDirectory(folder)
        let bucket = bucket
        await undo.register("half-written images in \(folder)", remedy: "rm \(shellQuoted(folder))/.*.partial") {
            for path in bucket.partialFiles(order.assetID) { try removeFile(path) }
            // Refused by the kernel where a file is left in it, which is what is wanted.
            rmdir(folder)
        }
        return folder
    }

    /// Renames all files into place. The old manifest goes first, so that at no time one describes other files.
    func publish(
        _ images: [ConvertedImage], of order: BuildOrder, missing: [MissingComponent], inputs: String
    ) async throws -> [Artifact] {
        let folder = bucket.folder(order.assetID)
        let old = bucket.manifest(order.assetID)?.files.map(\.name) ?? []
        let files = images.map {
            Manifest.File(name: $0.finalName, format: $0.format, bytes: $0.bytes, sha256: $0.sha256)
        }
        let manifest = Manifest(order, files: files, missing: missing, inputs: inputs, built: now())
        try await verifier.remember(order.password.secret)
        try removeFile(bucket.manifestPath(order.assetID))
        try removeFile(bucket.checksumsPath(order.assetID))
        for image in images {
            try renameFile(image.temporaryPath, to: "\(folder)/\(image.finalName)")
        }
        for name in Set(old).subtracting(files.map(\.name)) { try removeFile("\(folder)/\(name)") }
        try writeAtomically(manifest.checksums, to: bucket.checksumsPath(order.assetID))
        try writeAtomically(try manifest.json, to: bucket.manifestPath(order.assetID))
        return manifest.artifacts(in: folder)
    }
}

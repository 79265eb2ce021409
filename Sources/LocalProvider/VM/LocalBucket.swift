import DiskImages
import FoundationEssentials
import Glibc
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

/// Puts finished images into the bucket: each under its final name only when it is whole, the manifest last.
struct ImagePublication: Sendable {
    var bucket: LocalBucket
    var verifier: PasswordVerifier
    var now: @Sendable () -> Date

    /// Makes the folder and registers that half-written files in it are removed again.
    func prepare(_ order: BuildOrder, in scope: Scope) async throws -> String {
        let folder = bucket.folder(order.assetID)
        try makeDirectory(folder)
        let bucket = bucket
        await scope.undo.register("half-written images in \(folder)", remedy: "rm \(shellQuoted(folder))/.*.partial") {
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
        if let password = order.password { try await verifier.remember(password.secret) }
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

/// Tells whether a password is the one that an image was sealed with, without keeping the password:
/// a salted SHA-512 crypt hash in a file that only root reads, as in `/etc/shadow`.
struct PasswordVerifier: Sendable {
    var runner: any CommandRunner
    /// The file of one asset id.
    var path: String

    static func path(of assetID: AssetID, in stateDirectory: String) -> String {
        "\(stateDirectory)/\(assetID).password"
    }

    func remember(_ password: Secret) async throws {
        try writeAtomically(try await hash(password, salt: Self.newSalt()), to: path, mode: 0o600)
    }

    /// - Returns: false also where nothing is remembered.
    func isRemembered(_ password: Secret) async throws -> Bool {
        guard let known = try? readText(path) else { return false }
        let fields = known.split(separator: "$")
        guard fields.count == 3 else { return false }
        return try await hash(password, salt: String(fields[1])) == known
    }

    private func hash(_ password: Secret, salt: String) async throws -> String {
        let command = Command(
            "openssl", ["passwd", "-6", "-salt", salt, "-stdin"], input: .text(password.reveal + "\n"))
        return try await runner.run(command).trimmedLine
    }

    private static func newSalt() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<16).map { _ in alphabet.randomElement()! })
    }
}

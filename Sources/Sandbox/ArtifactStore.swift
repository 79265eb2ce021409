/// A place that stores artifacts: a directory on this host, or an S3 bucket.
///
/// Keys are paths below the root of the store, for example `data_science_sandbox/0.1.0/manifest.json`. `AssetFolder`
/// uses this protocol to publish, find, withdraw and remove artifacts in the same way in every store.
package protocol ArtifactStore: Sendable {
    /// Lists the objects whose keys begin with `prefix`, sorted by key, without checksums.
    func list(_ prefix: String) async throws -> [StoredObject]

    /// Describes one object, with the checksums that the store has or can compute; `nil` if the object does not exist.
    func head(_ key: String) async throws -> StoredObject?

    /// Whether the object itself says that a build wrote it, as objects in S3 do in their metadata.
    func isMarked(_ key: String) async throws -> Bool

    /// Reads a small object; `nil` if it does not exist.
    func read(_ key: String) async throws -> [UInt8]?

    /// Writes a small object atomically: a reader sees either the new object or the previous one.
    func write(_ text: String, to key: String, contentType: String) async throws

    /// Moves an object to another key without transferring it through this host.
    /// - Throws: `Failure` if the result is not identical to the source, which is then kept.
    func rename(_ source: String, to target: String) async throws

    /// Deletes objects and ignores missing ones.
    func delete(_ keys: [String]) async throws

    /// The location of an object as shown to users: a path or a URL.
    func address(of key: String) -> String
}

extension ArtifactStore {
    /// Files in a directory have no mark.
    package func isMarked(_ key: String) async throws -> Bool { false }
}

/// An object of a store, with the properties that the store reports.
package struct StoredObject: Sendable, Equatable {
    package var key: String
    /// Length in bytes, including holes.
    package var bytes: Int64
    /// SHA-256 of the whole object in lowercase hexadecimal.
    package var sha256: String?
    /// CRC-64/NVME of the whole object in Base64.
    package var crc64: String?

    package init(key: String, bytes: Int64, sha256: String? = nil, crc64: String? = nil) {
        self.key = key
        self.bytes = bytes
        self.sha256 = sha256
        self.crc64 = crc64
    }
}

/// The artifacts of one asset id in a store. All code that publishes, finds or withdraws artifacts uses this type.
///
/// The manifest is written last, and an image is taken out of it before its file is replaced, so it never describes files
/// that are not there. A folder without a manifest holds no finished build. Images of other formats stay, unless they
/// contain another system or their removal was asked for.
package struct AssetFolder<Store: ArtifactStore>: Sendable {
    package let store: Store
    package let assetID: AssetID
    /// The bucket prefix from the definition, without leading and trailing slashes.
    package let prefix: String

    package init(_ store: Store, _ assetID: AssetID, under prefix: String) {
        self.store = store
        self.assetID = assetID
        self.prefix = prefix
    }

    package func key(_ name: String) -> String { assetID.key(of: name, under: prefix) }
    package func address(_ name: String) -> String { store.address(of: key(name)) }

    // Find

    /// Reads the manifest.
    /// - Returns: `nil` if there is no manifest or this version cannot read it.
    /// - Throws: `Failure` with code `.badData` if the manifest names a file outside this folder.
    package func manifest() async throws -> Manifest? {
        guard let bytes = try await store.read(key(Manifest.fileName)) else { return nil }
        do { return try Manifest(json: String(decoding: bytes, as: UTF8.self)) } catch let failure as Failure
            where failure.code == .badData
        {
            throw failure
        } catch {
            return nil
        }
    }

    /// The manifest of images that contain the system of an order, whatever their formats.
    /// - Parameter inputs: digest of all inputs of the images except the password.
    package func manifest(of order: BuildOrder, inputs: String) async throws -> Manifest? {
        guard let manifest = try await manifest(), manifest.isSameSystem(as: order, inputs: inputs) else { return nil }
        return manifest
    }

    /// The manifest of the images that an order would build, if these images exist and are intact, and if the build that
    /// published them was not killed before it had removed the images that they replace.
    /// - Parameter inputs: digest of all inputs of the images except the password.
    package func finished(_ order: BuildOrder, inputs: String) async throws -> Manifest? {
        guard let manifest = try await manifest(of: order, inputs: inputs),
            manifest.formats(after: order) == manifest.files.map(\.format), try await claimed().isEmpty,
            try await intactFiles(of: manifest) == manifest.files
        else { return nil }
        return manifest
    }

    /// The files of a manifest that are as it describes them, in its order.
    package func intactFiles(of manifest: Manifest) async throws -> [Manifest.File] {
        let intact = try await withThrowingTaskGroup(of: String?.self) { group in
            for file in manifest.files {
                group.addTask { try await store.head(key(file.name)).map(file.matches) == true ? file.name : nil }
            }
            return try await group.reduce(into: Set()) { $0.formUnion([$1].compactMap { $0 }) }
        }
        return manifest.files.filter { intact.contains($0.name) }
    }

    /// Ensures that new files replace only files from earlier builds of this asset id.
    /// - Throws: `Failure` if one of the files exists, but neither the manifest, nor the list of an unfinished publication,
    ///   nor the file itself says that a build wrote it.
    package func requireFree(_ names: [String]) async throws {
        let own = Set(try await manifest()?.files.map(\.name) ?? []).union(try await claimed())
        let there = Set(try await store.list(assetID.folder(under: prefix)).map(\.key))
        var foreign: [String] = []
        for name in names where !own.contains(name) && there.contains(key(name)) {
            if try await !store.isMarked(key(name)) { foreign.append(name) }
        }
        guard foreign.isEmpty else {
            throw Failure(
                .badData, "a file that dss did not create is in the way", details: foreign.map(address),
                advice: "move it away, or choose another --asset-id or --bucket")
        }
    }

    /// Ensures that a build does not replace what another sandbox published under the same asset id.
    /// - Throws: `Failure` with code `.badData` if the manifest is that of a sandbox of another name.
    package func requireSameSandbox(as order: BuildOrder) async throws {
        guard let owner = try await manifest()?.name, owner != order.definition.name else { return }
        throw Failure(
            .badData,
            "asset id '\(assetID)' belongs to the sandbox '\(owner)', and this one is '\(order.definition.name)'",
            details: [address(Manifest.fileName)],
            advice: "choose another --asset-id or --bucket, or remove what is there")
    }

    // Publish and withdraw

    /// Writes down the files that are about to be withdrawn and published. No manifest describes them in between, and
    /// the build may be killed then; the next one reads here that they are ours.
    package func claim(_ names: Set<String>) async throws {
        let text = names.union(try await claimed()).sorted().map { "\($0)\n" }.joined()
        try await store.write(text, to: key(Manifest.claimFileName), contentType: "text/plain; charset=utf-8")
    }

    /// The files of a publication that was killed. Only names of images count, because whatever is listed may be removed.
    private func claimed() async throws -> Set<String> {
        let text = String(decoding: try await store.read(key(Manifest.claimFileName)) ?? [], as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init).filter(ImageFormat.isImageName))
    }

    /// Withdraws images before their files are replaced: the manifest and its companions no longer describe them. Images
    /// that are not replaced, and the container, stay published. No image file is removed.
    /// - Parameter isReplaced: whether the file with a name is about to be replaced.
    package func withdrawImages(where isReplaced: (_ name: String) -> Bool = { _ in true }) async throws {
        guard var manifest = try await manifest() else {
            return try await store.delete(([Manifest.fileName] + Manifest.companionNames).map(key))
        }
        guard manifest.files.contains(where: { isReplaced($0.name) }) else { return }
        manifest.files.removeAll { isReplaced($0.name) }
        guard manifest.files.isEmpty else { return try await writeWithCompanions(manifest) }
        (manifest.inputs, manifest.machineImage) = (nil, nil)
        try await replaceManifest(with: manifest)
        try await store.delete(Manifest.companionNames.map(key))
    }

    /// Publishes images whose files are in place and keeps a container that is already published. Then removes the image
    /// files that were published before and no longer are, so that an old image is gone only when the new ones are there;
    /// also those that a killed build has claimed. The claim is removed last.
    /// - Parameter old: the manifest before any image was withdrawn.
    package func publish(images: Manifest, replacing old: Manifest?) async throws -> [Artifact] {
        var manifest = images
        manifest.container = try await self.manifest()?.container
        let obsolete = try await claimed().union(old?.files.map(\.name) ?? [])
            .subtracting(manifest.files.map(\.name)).sorted()
        try await writeWithCompanions(manifest)
        try await store.delete((obsolete + [Manifest.claimFileName]).map(key))
        return manifest.artifacts(at: address)
    }

    private func writeWithCompanions(_ manifest: Manifest) async throws {
        try await store.write(
            manifest.checksums, to: key(Manifest.checksumsFileName), contentType: "text/plain; charset=utf-8")
        // Every browser shows plain text, but some save text/markdown to a file. The download page links to the text.
        try await store.write(
            StartInstructions(manifest).markdown, to: key(StartInstructions.fileName),
            contentType: "text/plain; charset=utf-8")
        try await write(manifest)
    }

    /// Withdraws the container from the manifest and keeps the images.
    package func withdrawContainer() async throws {
        guard var old = try await manifest() else { return }
        old.container = nil
        try await replaceManifest(with: old)
    }

    /// Publishes a container whose layout is in place and keeps images that are already published.
    /// - Parameter manifest: the manifest to start from if no images are published.
    package func publish(container: Manifest.Container, orElse manifest: @autoclosure () -> Manifest) async throws {
        var manifest = try await self.manifest() ?? manifest()
        manifest.container = container
        try await write(manifest)
    }

    /// Writes the manifest, or deletes it if it describes neither images nor a container.
    private func replaceManifest(with manifest: Manifest) async throws {
        if manifest.files.isEmpty, manifest.container == nil {
            try await store.delete([key(Manifest.fileName)])
        } else {
            try await write(manifest)
        }
    }

    private func write(_ manifest: Manifest) async throws {
        try await store.write(try manifest.json, to: key(Manifest.fileName), contentType: "application/json")
    }

    // Report

    private static var reportName: String { "build-report" }

    /// Stores the build report next to the images. A build writes the report last.
    package func publishReport(markdown: String, json: String) async throws {
        try await store.write(
            markdown, to: key("\(Self.reportName).md"), contentType: "text/markdown; charset=utf-8")
        try await store.write(json, to: key("\(Self.reportName).json"), contentType: "application/json")
    }

    package func hasReport() async throws -> Bool {
        try await store.head(key("\(Self.reportName).json")) != nil
    }
}

extension Manifest.File {
    /// Whether an object is this file. Checksums are compared if both sides have the same kind.
    func matches(_ object: StoredObject) -> Bool {
        object.bytes == bytes
            && (sha256 == nil || object.sha256 == nil || sha256 == object.sha256)
            && (crc64 == nil || object.crc64 == nil || crc64 == object.crc64)
    }
}

import DiskImages
import Sandbox
import Workbench

/// Adding formats to the images of a finished build, from the same sealed disk and with the same default password.
extension LocalVMProvider {
    /// What formats are added to.
    struct Addition: Sendable {
        let manifest: Manifest
        /// The published files that stay.
        let kept: [Manifest.File]
        /// All formats to publish, in the order of the manifest.
        let formats: [ImageFormat]
        /// The published file to read.
        let source: Manifest.File
        /// Where its raw disk is written.
        let scratch: String
    }

    /// The published images of the same system, if formats are to be added, repaired or removed. The system itself need
    /// not be built again: an intact image contains it.
    package func captured(in build: BuildContext) async throws -> Captured<Image>? {
        let (order, scope) = (build.order, build.scope)
        guard let published = try await folder.manifest(of: order, inputs: try inputs(of: order)) else { return nil }
        let intact = try await folder.intactFiles(of: published)
        for file in published.files where !intact.contains(file) {
            scope.warning("\(folder.path(file.name)) is missing or differs from its checksum in \(Manifest.fileName)")
        }
        let source = ImageReader.preference.lazy.compactMap { format in intact.first { $0.format == format } }.first
        guard let source else {
            scope.warning("no image of '\(order.assetID)' is intact; building them anew, with a new default password")
            return nil
        }
        try await checkPassword(of: order)
        let lock = try await factory.open(order.assetID, in: scope)
        guard try await folder.manifest() == published else {
            throw Failure(
                .temporary, "the images of '\(order.assetID)' were changed by another process",
                advice: "run the same command again")
        }
        let wanted = published.formats(after: order)
        let kept = intact.filter { wanted.contains($0.format) }
        let formats = wanted.filter { format in !kept.contains { $0.format == format } }
        try await folder.requireFree(formats.map(order.imageName))
        if !formats.isEmpty {
            scope.notice(
                "adding \(formats.listed) to the images of \(order.assetID), made from \(source.name); "
                    + "the default password remains the one set when they were built")
        }
        let removed = published.files.map(\.format).filter { !wanted.contains($0) }
        if !removed.isEmpty {
            scope.notice("removing \(removed.listed) from the images of \(order.assetID) when this build succeeds")
            let files = published.files.filter { removed.contains($0.format) }
            for line in keptDiskWarnings(files) { scope.warning(line) }
        }
        let addition = Addition(
            manifest: published, kept: kept, formats: wanted, source: source, scratch: lock.path("disk.raw"))
        return Captured(Image(.published(addition), formats: formats), missing: published.missing)
    }

    /// Makes formats of a system that is published already, and publishes them with the images that stay.
    func add(_ formats: [ImageFormat], to addition: Addition, _ build: BuildContext) async throws -> [Artifact] {
        let images = formats.isEmpty ? [] : try await convert(try await disk(addition, build), to: formats, build)
        let files = images.map(\.file)
        var manifest = addition.manifest
        manifest.files = addition.formats.compactMap { format in
            (files + addition.kept).first { $0.format == format }
        }
        return try await exchange(addition.manifest, for: manifest, images) { name in
            files.contains { $0.name == name }
        }
    }

    private func disk(_ addition: Addition, _ build: BuildContext) async throws -> RawDisk {
        let source = addition.source
        return try await ImageReader(runner: runner).rawDisk(
            of: folder.path(source.name), source.format, at: addition.scratch
        ) { build.scope.progress(.export, $0) }
    }

    func checkPassword(of order: BuildOrder) async throws {
        guard case .given(let password)? = order.password else { return }
        switch try await verifier.isRemembered(password) {
        case true?: return
        case false?:
            throw Failure(
                .badData, "the images of '\(order.assetID)' have another default password",
                advice: "to build them anew with this one, add --new-password; to change it in a running sandbox, "
                    + "use reset-password; to keep it, do not specify a password")
        case nil:
            throw Failure(
                .badData, "the default password of the images of '\(order.assetID)' is unknown on this host",
                advice:
                    "to build them anew with this one, add --new-password; to keep theirs, do not specify a password")
        }
    }
}

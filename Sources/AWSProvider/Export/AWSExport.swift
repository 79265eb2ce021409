import AWSCore
import DiskImages
import Sandbox
import Workbench

/// Exports an AMI as the image files that an order asks for, into the bucket, with the manifest and checksums.
package struct AWSExport: Sendable {
    let workspace: AWSWorkspace
    let store: S3ArtifactStore
    let place: ExportPlace
    /// Where EBS direct keeps its files until they are uploaded.
    let workDirectory: String
    let runner: any CommandRunner

    package init(
        _ workspace: AWSWorkspace, _ store: S3ArtifactStore, place: ExportPlace, workDirectory: String,
        runner: any CommandRunner
    ) {
        self.workspace = workspace
        self.store = store
        self.place = place
        self.workDirectory = workDirectory
        self.runner = runner
    }

    /// Where the images of the asset id are published.
    package var folder: AssetFolder<S3ArtifactStore> {
        AssetFolder(store, workspace.assetID, under: workspace.names.bucketPrefix)
    }

    /// The images of an earlier build that match an order, if they are intact and their AMI still exists.
    /// - Parameter inputs: digest of everything that goes into the images except the password.
    package func finished(_ order: BuildOrder, inputs: String) async throws -> FinishedBuild? {
        guard let manifest = try await folder.finished(order, inputs: inputs),
            try await isAvailable(manifest.machineImage)
        else { return nil }
        return FinishedBuild(
            artifacts: manifest.artifacts(at: folder.address), missing: manifest.missing,
            machineImage: manifest.machineImage)
    }

    /// Refuses to replace what another sandbox, or somebody else, has put where the images go.
    package func requirePublishable(_ order: BuildOrder) async throws {
        try await store.explainingMissingBucket {
            try await folder.requireSameSandbox(as: order)
            try await folder.requireFree(order.definition.formats.map(order.imageName))
        }
    }

    private func isAvailable(_ image: MachineImage?) async throws -> Bool {
        guard let image else { return true }
        return try await ImageCapture(workspace).look(image.id)?.state == .available
    }

    /// Exports the formats that an earlier run has not exported from the same AMI. Published images of that AMI stay;
    /// those of another AMI are replaced one by one, as soon as the new file is there. If that AMI had the same inputs,
    /// and only another default password, all its formats are exported again.
    /// - Parameters:
    ///   - missing: components that the sandbox lacks, for the manifest.
    ///   - inputs: digest of everything that went into it except the password.
    /// - Throws: `Failure`, `AWSError`. The AMI and the exported formats stay, and a notice says so.
    package func export(
        _ image: CapturedImage, method: ExportMethod, missing: [MissingComponent], inputs: String,
        in build: BuildContext
    ) async throws -> [Artifact] {
        let order = build.order
        do {
            return try await store.explainingMissingBucket {
                let old = try await folder.manifest()
                let published = old?.machineImage?.id == image.id ? old : nil
                let same = old.flatMap { $0.isSameSystem(as: order, inputs: inputs) ? $0 : nil }
                let wanted = (published ?? same)?.formats(after: order) ?? order.definition.formats
                var files = try await exportedFiles(wanted, order, image)
                let formats = wanted.filter { format in !files.contains { $0.format == format } }
                if published == nil, let notice = old?.replacementNotice(wanted) { build.scope.notice(notice) }
                if !formats.isEmpty {
                    let replacement = Replacement(of: old, in: folder)
                    files += try await make(formats, of: image, method, build, replacement)
                }
                try await ExportTasks(workspace: workspace, bucket: store.bucket, image: image).sweep()
                let manifest = Manifest(
                    order, files: wanted.compactMap { format in files.first { $0.format == format } },
                    missing: missing, inputs: inputs, built: published?.built ?? workspace.now(),
                    machineImage: MachineImage(id: image.id, name: image.name, region: workspace.region))
                return try await publish(manifest, replacing: old)
            }
        } catch {
            build.scope.notice(
                "AMI \(image.id) and the formats that are ready were kept; "
                    + "run the same command again to continue from there")
            throw error
        }
    }

    /// In a task of its own, so that Ctrl-C does not stop between the checksums and the manifest.
    private func publish(_ manifest: Manifest, replacing old: Manifest?) async throws -> [Artifact] {
        try await Task {
            try await folder.claim(Set((old?.files ?? []).map(\.name) + manifest.files.map(\.name)))
            return try await folder.publish(images: manifest, replacing: old)
        }.value
    }

    private func exportedFiles(
        _ formats: [ImageFormat], _ order: BuildOrder, _ image: CapturedImage
    ) async throws -> [Manifest.File] {
        var files: [Manifest.File] = []
        for format in formats {
            let name = order.imageName(format)
            guard let object = try await store.object(folder.key(name)) else { continue }
            if let file = ExportedObject.file(object, named: name, format, of: image) { files.append(file) }
        }
        return files
    }

    private func make(
        _ formats: [ImageFormat], of image: CapturedImage, _ method: ExportMethod, _ build: BuildContext,
        _ replacement: Replacement
    ) async throws -> [Manifest.File] {
        let choice = try ExportMethod.choose(method, formats: formats, at: place)
        build.scope.notice(choice.reason)
        switch choice.method {
        case .ebsDirect:
            return try await EBSDirectExport(workspace, to: store, workDirectory: workDirectory, runner: runner).run(
                image, formats: formats, in: build, replacing: replacement)
        case .auto, .vmExport:
            return try await VMExport(workspace, store).run(image, formats: formats, in: build, replacing: replacement)
        }
    }
}

/// The published images that an export replaces. Each one is withdrawn only when its new file is complete and about to
/// take its place, so that an export that fails leaves the others published.
package actor Replacement {
    private let folder: AssetFolder<S3ArtifactStore>
    private let names: Set<String>
    /// The last withdrawal: two at once would undo each other's change of the manifest.
    private var last: Task<Void, any Error>?

    /// - Parameter old: the manifest of the published images.
    package init(of old: Manifest?, in folder: AssetFolder<S3ArtifactStore>) {
        self.folder = folder
        names = Set(old?.files.map(\.name) ?? [])
    }

    /// Claims and withdraws the published image with a name, if there is one.
    func begin(_ name: String) async throws {
        guard names.contains(name) else { return }
        let task = Task { [last, folder] in
            _ = await last?.result
            try await folder.claim([name])
            try await folder.withdrawImages { $0 == name }
        }
        last = task
        try await task.value
    }
}

/// How the disk of an AMI becomes files in the bucket.
package enum ExportMethod: String, Sendable, CaseIterable {
    /// What fits best; it is said which, and why.
    case auto
    /// AWS does it (ExportImage): no byte passes here, one format after the other, VHD, VMDK and RAW only.
    case vmExport = "vm-export"
    /// The snapshot is read here once by EBS direct, converted to all formats at once, and uploaded.
    case ebsDirect = "ebs-direct"

    /// What was decided, in a sentence for people.
    package struct Choice: Sendable, Equatable {
        /// Never `auto`.
        package var method: ExportMethod
        package var reason: String
    }

    /// - Throws: `Failure` where the wanted method cannot make a format.
    package static func choose(
        _ wanted: ExportMethod, formats: [ImageFormat], at place: ExportPlace
    ) throws -> Choice {
        let others = formats.filter { !VMExport.formats.contains($0) }.map(\.rawValue).joined(separator: ", ")
        switch wanted {
        case .ebsDirect: return Choice(method: .ebsDirect, reason: "exporting by ebs-direct, as was asked for")
        case .vmExport where others.isEmpty:
            return Choice(method: .vmExport, reason: "exporting by vm-export, as was asked for")
        case .vmExport:
            throw Failure(
                .usage, "the export of AWS cannot make \(others)",
                advice: "leave it out of the formats, or use --export-method ebs-direct")
        case .auto where !others.isEmpty:
            return Choice(
                method: .ebsDirect, reason: "exporting by ebs-direct, because the export of AWS cannot make \(others)")
        case .auto where place.isInsideAWS:
            return Choice(
                method: .ebsDirect,
                reason: "exporting by ebs-direct, because this runs on \(place.rawValue), near the snapshot: "
                    + "it is read once for all formats")
        case .auto:
            return Choice(
                method: .vmExport,
                reason: "exporting by vm-export, because this runs outside of AWS: no byte of the image comes here")
        }
    }
}

/// Where this program runs, as seen from the snapshot.
package enum ExportPlace: String, Sendable {
    case codeBuild = "CodeBuild"
    case ec2 = "EC2"
    case elsewhere

    package var isInsideAWS: Bool { self != .elsewhere }

    /// Whose board an instance of EC2 says that it has.
    package static let vendorFile = "/sys/class/dmi/id/board_vendor"

    /// - Parameter vendor: what `vendorFile` says.
    package init(environment: [String: String], vendor: String?) {
        if environment["CODEBUILD_BUILD_ID"] != nil {
            self = .codeBuild
        } else if vendor?.hasPrefix("Amazon EC2") == true {
            self = .ec2
        } else {
            self = .elsewhere
        }
    }
}

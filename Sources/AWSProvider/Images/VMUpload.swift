import AWSCore
import AWSServices
import DiskImages
import FoundationEssentials
import Sandbox
import Workbench

/// Creates an AMI from a raw disk on this host.
/// - Parameter name: the name of the AMI; by default, the one from the definition's names.
package func uploadVM(
    _ disk: UploadSource, to workspace: AWSWorkspace, named name: String?, _ traits: ImageTraits,
    events: @escaping EventSink, clock: any Clock<Duration>
) async throws -> CapturedImage {
    let upload = VMUpload(
        workspace, ImageRegistration(workspace, name: name ?? workspace.imageName, traits: traits))
    return try await StageLog(events: events, clock: clock).run(.capture) {
        let image = try await Scope.run(keepsOnSuccess: true, events: events) {
            try await upload.run(disk.path, in: $0)
        }
        return (image, .done)
    }
}

/// A raw disk image on this host.
package struct UploadSource: Sendable {
    let path: String

    /// - Throws: `Failure` if the file is not a raw disk; its advice is the command that converts the file to one.
    package init(_ path: String, _ runner: any CommandRunner) async throws {
        self.path = path
        let format = try await ImageInspector(runner: runner).inspect(path).format
        guard format != .raw else { return }
        let raw = ImageFormat.raw.fileName(format.stem(of: path) ?? path)
        let line =
            switch format {
            case .ova:
                "unpack it with tar and convert the disk inside: "
                    + "qemu-img convert -p -O raw DISK.vmdk \(shellQuoted(raw))"
            case .gcp: DiskArchive(path: path).advice
            default:
                "qemu-img convert -p -f \(Conversion.driver(of: format)) -O raw \(shellQuoted(path)) "
                    + shellQuoted(raw)
            }
        throw Failure(.badData, "\(path) is a \(format.rawValue) image, but a raw disk is required", advice: line)
    }
}

/// Uploads a local raw disk and registers it as an AMI, without an instance or an import task.
package struct VMUpload: Sendable {
    package let workspace: AWSWorkspace
    package let registration: ImageRegistration

    package init(_ workspace: AWSWorkspace, _ registration: ImageRegistration) {
        self.workspace = workspace
        self.registration = registration
    }

    /// - Parameter disk: path of the raw file.
    /// - Throws: `Failure` before anything is uploaded if AWS would refuse the image in the end.
    package func run(_ disk: String, in scope: Scope) async throws -> CapturedImage {
        let there = try await scope.activity("check") { try await check() }
        let blocks = try await scope.activity("read disk") {
            try await DiskBlocks(of: disk) { scope.progress(.capture, $0.shown("reading the disk")) }
        }
        let upload = DiskUpload(workspace, disk: disk, blocks)
        if let there {
            guard upload.isSame(there.snapshot) else { throw isTaken(by: there.image) }
            scope.notice("AMI \(there.image.imageId) from an earlier run already contains this disk")
            return try await registration.finish(there.image, upload.output(there.snapshot), in: scope)
        }
        let snapshot = try await upload.run(in: scope)
        return try await registration.run(snapshot, in: scope)
    }

    private struct Earlier: Sendable {
        var image: EC2.Image
        var snapshot: EC2.Snapshot
    }

    private var images: OwnImages { OwnImages(workspace.client, polling: workspace.polling) }

    /// Checks name, asset id and quota.
    /// - Returns: the image and snapshot of an earlier upload of this asset id.
    private func check() async throws -> Earlier? {
        async let named = images.named(registration.name)
        async let all = images.all([]).count
        let ofAsset = try await images.images(of: workspace.assetID, workspace.names)
        if let image = ofAsset.first { return try await earlier(image) }
        if let image = try await named {
            throw Failure(
                .badData, "AMI name '\(registration.name)' is taken in \(workspace.region) by \(image.imageId)",
                advice: "choose another name with --name")
        }
        try await AccountQuota.images.check(used: try await all, workspace.client)
        return nil
    }

    private func earlier(_ image: EC2.Image) async throws -> Earlier {
        guard image.name == registration.name, ["available", "pending"].contains(image.state),
            let snapshot = try await images.snapshots(of: image).first,
            snapshot.tags.contains(where: { $0.key == DiskUpload.contentTag })
        else { throw isTaken(by: image) }
        return Earlier(image: image, snapshot: snapshot)
    }

    private func isTaken(by image: EC2.Image) -> Failure {
        Failure(
            .badData,
            "asset id \(workspace.assetID) already has another AMI in \(workspace.region): \(image.imageId) (\(image.state))",
            advice: "remove it with: \(workspace.remedy) --keep s3-object, or use another --asset-id")
    }
}

/// Uploads a local raw disk as a snapshot, without an EC2 instance.
///
/// A tag of the snapshot holds the checksum of its content, so that a later run can find it: a completed snapshot with
/// the same content is reused, any other one is deleted, because AWS does not list the blocks of an unfinished
/// snapshot.
package struct DiskUpload: Sendable {
    package let workspace: AWSWorkspace
    /// Path of the raw file.
    package let disk: String
    /// The blocks to write.
    package let blocks: DiskBlocks

    package init(_ workspace: AWSWorkspace, disk: String, _ blocks: DiskBlocks) {
        self.workspace = workspace
        self.disk = disk
        self.blocks = blocks
    }

    package struct Output: Sendable, Equatable {
        package var snapshotID: String
        package var volumeGiB: Int
    }

    /// Key of the tag with the SHA-256 of the blocks' checksums.
    static let contentTag = "dss-content"

    package func run(in scope: Scope) async throws -> Output {
        if let snapshot = try await earlier(scope) {
            scope.notice("reusing snapshot \(snapshot) of the same disk from an earlier run")
            return Output(snapshotID: snapshot, volumeGiB: blocks.volumeGiB)
        }
        await scope.undo.register("snapshot of \(disk)", remedy: workspace.remedy) { try await removeUnused() }
        let snapshot = try await scope.activity("write snapshot") {
            let snapshot = try await start()
            try await SnapshotUpload(disk, blocks, to: snapshot).run(with: workspace.client) {
                scope.progress(.capture, $0.shown("writing the snapshot"))
            }
            return snapshot
        }
        try await scope.activity("snapshot") { try await waitUntilCompleted(snapshot, scope) }
        return Output(snapshotID: snapshot, volumeGiB: blocks.volumeGiB)
    }

    private func start() async throws -> String {
        let tags = workspace.tags + [EC2.Tag(key: Self.contentTag, value: blocks.checksum)]
        var start = EBS.StartSnapshot(
            volumeSize: blocks.volumeGiB, description: "Disk of \(workspace.imageName), written by dss",
            tags: tags.map { EBS.Tag(key: $0.key, value: $0.value) })
        start.timeout = Self.idleMinutes
        return try await workspace.client.call(start).snapshotId
    }

    /// Minutes without a new block after which AWS cancels an unfinished snapshot.
    private static let idleMinutes = 60

    private func waitUntilCompleted(_ id: String, _ scope: Scope) async throws {
        try await workspace.client.wait(for: "snapshot \(id)", at: workspace.polling) {
            guard let snapshot = try await images.snapshots([.init(name: "snapshot-id", values: [id])]).first else {
                throw Failure(.failed, "snapshot \(id) in \(workspace.region) was deleted by someone else")
            }
            guard snapshot.state != "error" else {
                throw Failure(
                    .failed,
                    "snapshot \(id) in \(workspace.region) failed: "
                        + (snapshot.stateMessage ?? "AWS gives no reason"))
            }
            scope.progress(.capture, Progress("completing the snapshot \(snapshot.progress ?? "")"))
            return snapshot.state == "completed" ? () : nil
        }
    }

    private var images: OwnImages { OwnImages(workspace.client, polling: workspace.polling) }

    /// Deletes snapshots of earlier runs, except a completed one with the same content.
    /// - Returns: the id of that snapshot.
    private func earlier(_ scope: Scope) async throws -> String? {
        let found = try await written()
        let same = found.first { $0.state == "completed" && isSame($0) }
        for snapshot in found where snapshot.snapshotId != same?.snapshotId {
            if try await remove(unused: snapshot.snapshotId) {
                scope.notice("deleted snapshot \(snapshot.snapshotId) from an earlier run (\(snapshot.state))")
            }
        }
        return same?.snapshotId
    }

    func output(_ snapshot: EC2.Snapshot) -> Output {
        Output(snapshotID: snapshot.snapshotId, volumeGiB: blocks.volumeGiB)
    }

    /// Whether size and tag of a snapshot match this disk.
    func isSame(_ snapshot: EC2.Snapshot) -> Bool {
        snapshot.volumeSize == blocks.volumeGiB
            && snapshot.tags.contains { $0.key == Self.contentTag && $0.value == blocks.checksum }
    }

    /// Snapshots that uploads of this asset id created.
    private func written() async throws -> [EC2.Snapshot] {
        try await images.snapshots([
            .init(name: "tag:\(workspace.names.tagKey)", values: [workspace.assetID.rawValue]),
            .init(name: "tag-key", values: [Self.contentTag]),
        ])
    }

    func removeUnused() async throws {
        for snapshot in try await written() { _ = try await remove(unused: snapshot.snapshotId) }
    }

    /// - Returns: `false` if an image uses the snapshot, so that it is kept.
    private func remove(unused snapshot: String) async throws -> Bool {
        do { try await images.remove(snapshot: snapshot) } catch let error as AWSError
            where error.code == "InvalidSnapshot.InUse"
        { return false }
        return true
    }
}

extension TransferProgress {
    func shown(_ activity: String) -> Progress {
        Progress(activity, completed: Double(done), total: Double(total), unit: .bytes)
    }
}

/// Registers a snapshot as an AMI.
package struct ImageRegistration: Sendable {
    package let workspace: AWSWorkspace
    package let name: String
    package let traits: ImageTraits

    package init(_ workspace: AWSWorkspace, name: String, traits: ImageTraits) {
        self.workspace = workspace
        self.name = name
        self.traits = traits
    }

    /// The root device name that Ubuntu's images use.
    private static let rootDevice = "/dev/sda1"

    package func run(_ disk: DiskUpload.Output, in scope: Scope) async throws -> CapturedImage {
        await register(scope.undo)
        let id = try await workspace.client.call(order(disk)).imageId
        return try await finish(id, disk, in: scope)
    }

    /// Resumes with an image that an earlier run registered.
    func finish(
        _ image: EC2.Image, _ disk: DiskUpload.Output, in scope: Scope
    ) async throws -> CapturedImage {
        // An available image may already be in use, so it is kept.
        if image.state == "pending" { await register(scope.undo) }
        return try await finish(image.imageId, disk, in: scope)
    }

    private func finish(
        _ id: String, _ disk: DiskUpload.Output, in scope: Scope
    ) async throws -> CapturedImage {
        let image = try await scope.activity("AMI") {
            scope.progress(.capture, Progress("waiting for AMI \(id)"))
            return try await images.waitUntilAvailable(id, of: "AMI")
        }
        if image.deprecationTime == nil {
            let date = workspace.now().addingTimeInterval(ImageCapture.lifetime)
            _ = try await workspace.client.call(EC2.EnableImageDeprecation(imageId: id, deprecateAt: date))
        }
        return CapturedImage(id: id, name: name, snapshotID: disk.snapshotID, volumeGiB: disk.volumeGiB)
    }

    private func register(_ undo: Undo) async {
        await undo.register("AMI \(name)", remedy: workspace.remedy) {
            // Another asset id or program may have taken the name.
            guard let image = try await images.named(name), workspace.owns(image.tags) else { return }
            try await images.remove(image)
        }
    }

    private var images: OwnImages { OwnImages(workspace.client, polling: workspace.polling) }

    private func order(_ disk: DiskUpload.Output) -> EC2.RegisterImage {
        let root = EC2.EbsBlockDevice(
            snapshotId: disk.snapshotID, volumeSize: disk.volumeGiB, volumeType: "gp3", deleteOnTermination: true)
        var order = EC2.RegisterImage(
            name: name, architecture: traits.name, rootDeviceName: Self.rootDevice,
            blockDeviceMappings: [EC2.BlockDeviceMapping(deviceName: Self.rootDevice, ebs: root)],
            tagSpecifications: workspace.specifications("image", tags: tags))
        order.description = "Data-science sandbox \(workspace.assetID)"
        order.virtualizationType = "hvm"
        order.enaSupport = true
        order.bootMode = traits.bootMode.rawValue
        order.imdsSupport = "v2.0"
        return order
    }

    private var tags: [EC2.Tag] {
        workspace.tags.map { $0.key == "Name" ? EC2.Tag(key: "Name", value: name) : $0 }
    }
}

/// Architecture and boot mode of an AMI that is registered from an uploaded disk.
package struct ImageTraits: Sendable, Equatable {
    package enum BootMode: String, Sendable, CaseIterable {
        case legacyBIOS = "legacy-bios"
        case uefi
        /// Boots with UEFI if the instance supports it, otherwise with BIOS.
        case uefiPreferred = "uefi-preferred"
    }

    package var architecture: Architecture
    package var bootMode: BootMode

    /// - Throws: `Failure` if the two are incompatible: instances with AWS's ARM processors support only UEFI.
    ///   Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html>
    package init(_ architecture: Architecture = .amd64, bootMode: BootMode? = nil) throws {
        self.architecture = architecture
        self.bootMode = bootMode ?? (architecture == .arm64 ? .uefi : .uefiPreferred)
        guard architecture != .arm64 || self.bootMode == .uefi else {
            throw Failure(.usage, "arm64 instances boot only with UEFI", advice: "--boot-mode uefi")
        }
    }

    /// The name that EC2 uses for the architecture.
    var name: String { architecture == .arm64 ? "arm64" : "x86_64" }
}

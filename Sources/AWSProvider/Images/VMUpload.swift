import AWSCore
import AWSServices
import FoundationEssentials
import Sandbox

/// A raw disk of this machine becomes an AMI: no instance, no import task.
package struct VMUpload: Sendable {
    package let site: BuildSite
    package let registration: Registration

    package init(_ site: BuildSite, _ registration: Registration) {
        self.site = site
        self.registration = registration
    }

    /// - Parameter disk: path of the raw file.
    /// - Throws: `Failure` before anything is sent where AWS would refuse the image in the end.
    package func run(_ disk: String, undo: Undo, events: @escaping EventSink) async throws -> CapturedImage {
        let there = try await activity("check", events) { try await check() }
        let blocks = try await activity("read disk", events) {
            try await DiskBlocks(of: disk) { events(.progress(.capture, $0.shown("read the disk"))) }
        }
        let upload = DiskUpload(site, disk: disk, blocks)
        if let there {
            guard upload.isSame(there.snapshot) else { throw isTaken(by: there.image) }
            events(.notice("the AMI \(there.image.imageId) of an earlier run is this disk"))
            return try await registration.finish(there.image, upload.output(there.snapshot), undo, events)
        }
        let snapshot = try await upload.run(undo: undo, events: events)
        return try await registration.run(snapshot, undo: undo, events: events)
    }

    private struct Earlier: Sendable {
        var image: EC2.Image
        var snapshot: EC2.Snapshot
    }

    private var images: OwnImages { OwnImages(site.client, pace: site.pace) }

    /// - Returns: what an earlier upload of this asset id has made.
    private func check() async throws -> Earlier? {
        async let named = images.named(registration.name)
        async let all = images.all([]).count
        let ofAsset = try await images.images(of: site.assetID, site.names)
        if let image = ofAsset.first { return try await earlier(image) }
        if let image = try await named {
            throw Failure(
                .badData, "the AMI name '\(registration.name)' is taken in \(site.region) by \(image.imageId)",
                advice: "give another name with --name")
        }
        try await AccountQuota.images.check(used: try await all, site.client)
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
            "the asset id \(site.assetID) has another AMI in \(site.region): \(image.imageId) (\(image.state))",
            advice: "remove it with: \(site.remedy) --keep s3-object, or choose another --asset-id")
    }
}

/// A raw disk of this machine becomes a snapshot, without any machine on AWS.
///
/// Its snapshot carries what was written as a tag. So an earlier run's is found again: a finished one of the same
/// content is taken as it is, any other is removed, since AWS does not tell which blocks an unfinished one has.
package struct DiskUpload: Sendable {
    package let site: BuildSite
    /// Path of the raw file.
    package let disk: String
    /// What of it is to be written.
    package let blocks: DiskBlocks

    package init(_ site: BuildSite, disk: String, _ blocks: DiskBlocks) {
        self.site = site
        self.disk = disk
        self.blocks = blocks
    }

    package struct Output: Sendable, Equatable {
        package var snapshotID: String
        package var volumeGiB: Int
    }

    /// SHA-256 of the blocks' checksums.
    static let contentTag = "dss-content"

    package func run(undo: Undo, events: @escaping EventSink) async throws -> Output {
        if let snapshot = try await earlier(events) {
            events(.notice("takes the snapshot \(snapshot) of an earlier run, which is the same disk"))
            return Output(snapshotID: snapshot, volumeGiB: blocks.volumeGiB)
        }
        await undo.register("the snapshot of \(disk)", remedy: site.remedy) { try await removeUnused() }
        let snapshot = try await activity("write snapshot", events) {
            let snapshot = try await start()
            try await SnapshotUpload(disk, blocks, to: snapshot).run(with: site.client) {
                events(.progress(.capture, $0.shown("write the snapshot")))
            }
            return snapshot
        }
        try await activity("snapshot", events) { try await waitUntilCompleted(snapshot, events) }
        return Output(snapshotID: snapshot, volumeGiB: blocks.volumeGiB)
    }

    private func start() async throws -> String {
        let tags = site.tags + [EC2.Tag(key: Self.contentTag, value: blocks.checksum)]
        var start = EBS.StartSnapshot(
            volumeSize: blocks.volumeGiB, description: "Disk of \(site.imageName), written by dss",
            tags: tags.map { EBS.Tag(key: $0.key, value: $0.value) })
        start.timeout = Self.idleMinutes
        return try await site.client.call(start).snapshotId
    }

    /// After so long without a block AWS gives an unfinished snapshot up.
    private static let idleMinutes = 60

    private func waitUntilCompleted(_ id: String, _ events: EventSink) async throws {
        try await site.client.wait(for: "the snapshot \(id)", at: site.pace) {
            guard let snapshot = try await images.snapshots([.init(name: "snapshot-id", values: [id])]).first else {
                throw Failure(.failed, "the snapshot \(id) in \(site.region) is gone: somebody has removed it")
            }
            guard snapshot.state != "error" else {
                throw Failure(
                    .failed,
                    "the snapshot \(id) in \(site.region) failed: "
                        + (snapshot.stateMessage ?? "AWS gives no reason"))
            }
            events(.progress(.capture, Progress("complete the snapshot \(snapshot.progress ?? "")")))
            return snapshot.state == "completed" ? () : nil
        }
    }

    private var images: OwnImages { OwnImages(site.client, pace: site.pace) }

    /// - Returns: a finished snapshot of the same content; others are removed.
    private func earlier(_ events: EventSink) async throws -> String? {
        let found = try await written()
        let same = found.first { $0.state == "completed" && isSame($0) }
        for snapshot in found where snapshot.snapshotId != same?.snapshotId {
            if try await remove(unused: snapshot.snapshotId) {
                events(.notice("removed the snapshot \(snapshot.snapshotId) of an earlier run (\(snapshot.state))"))
            }
        }
        return same?.snapshotId
    }

    func output(_ snapshot: EC2.Snapshot) -> Output {
        Output(snapshotID: snapshot.snapshotId, volumeGiB: blocks.volumeGiB)
    }

    /// Whether a snapshot is said to be this disk.
    func isSame(_ snapshot: EC2.Snapshot) -> Bool {
        snapshot.volumeSize == blocks.volumeGiB
            && snapshot.tags.contains { $0.key == Self.contentTag && $0.value == blocks.checksum }
    }

    /// Snapshots that an upload of this asset id has made.
    private func written() async throws -> [EC2.Snapshot] {
        try await images.snapshots([
            .init(name: "tag:\(site.names.tagKey)", values: [site.assetID.rawValue]),
            .init(name: "tag-key", values: [Self.contentTag]),
        ])
    }

    func removeUnused() async throws {
        for snapshot in try await written() { _ = try await remove(unused: snapshot.snapshotId) }
    }

    /// - Returns: false where an image is made of it, so that it stays.
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

/// Makes an AMI of a snapshot.
package struct Registration: Sendable {
    package let site: BuildSite
    package let name: String
    package let traits: ImageTraits

    package init(_ site: BuildSite, name: String, traits: ImageTraits) {
        self.site = site
        self.name = name
        self.traits = traits
    }

    /// As Ubuntu's images name it.
    private static let rootDevice = "/dev/sda1"

    package func run(
        _ disk: DiskUpload.Output, undo: Undo, events: @escaping EventSink
    ) async throws -> CapturedImage {
        await register(undo)
        let id = try await site.client.call(order(disk)).imageId
        return try await finish(id, disk, events)
    }

    /// Goes on with an image that an earlier run has registered.
    func finish(
        _ image: EC2.Image, _ disk: DiskUpload.Output, _ undo: Undo, _ events: @escaping EventSink
    ) async throws -> CapturedImage {
        // One that is available has been given to somebody perhaps, and stays.
        if image.state == "pending" { await register(undo) }
        return try await finish(image.imageId, disk, events)
    }

    private func finish(
        _ id: String, _ disk: DiskUpload.Output, _ events: @escaping EventSink
    ) async throws -> CapturedImage {
        let image = try await activity("AMI", events) {
            events(.progress(.capture, Progress("wait for the AMI \(id)")))
            return try await images.waitUntilAvailable(id, of: "the AMI")
        }
        if image.deprecationTime == nil {
            let date = site.now().addingTimeInterval(ImageCapture.lifetime)
            _ = try await site.client.call(EC2.EnableImageDeprecation(imageId: id, deprecateAt: date))
        }
        return CapturedImage(id: id, name: name, snapshotID: disk.snapshotID, volumeGiB: disk.volumeGiB)
    }

    private func register(_ undo: Undo) async {
        await undo.register("the AMI \(name)", remedy: site.remedy) {
            // Only one of ours has our tag.
            guard let image = try await images.named(name), site.owns(image.tags) else { return }
            try await images.remove(image)
        }
    }

    private var images: OwnImages { OwnImages(site.client, pace: site.pace) }

    private func order(_ disk: DiskUpload.Output) -> EC2.RegisterImage {
        let root = EC2.EbsBlockDevice(
            snapshotId: disk.snapshotID, volumeSize: disk.volumeGiB, volumeType: "gp3", deleteOnTermination: true)
        var order = EC2.RegisterImage(
            name: name, architecture: traits.name, rootDeviceName: Self.rootDevice,
            blockDeviceMappings: [EC2.BlockDeviceMapping(deviceName: Self.rootDevice, ebs: root)],
            tagSpecifications: site.specifications("image", tags: tags))
        order.description = "Data-science sandbox \(site.assetID)"
        order.virtualizationType = "hvm"
        order.enaSupport = true
        order.bootMode = traits.bootMode.rawValue
        order.imdsSupport = "v2.0"
        return order
    }

    private var tags: [EC2.Tag] {
        site.tags.map { $0.key == "Name" ? EC2.Tag(key: "Name", value: name) : $0 }
    }
}

/// What kind of machine an AMI that was not captured from one is for.
package struct ImageTraits: Sendable, Equatable {
    package enum BootMode: String, Sendable, CaseIterable {
        case legacyBIOS = "legacy-bios"
        case uefi
        /// Boots either way; UEFI where the machine has it.
        case uefiPreferred = "uefi-preferred"
    }

    package var architecture: Architecture
    package var bootMode: BootMode

    /// - Throws: `Failure` where the two do not go together: machines with AWS's ARM processors have UEFI alone.
    ///   Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html>
    package init(_ architecture: Architecture = .amd64, bootMode: BootMode? = nil) throws {
        self.architecture = architecture
        self.bootMode = bootMode ?? (architecture == .arm64 ? .uefi : .uefiPreferred)
        guard architecture != .arm64 || self.bootMode == .uefi else {
            throw Failure(.usage, "machines of the architecture arm64 boot by UEFI alone", advice: "--boot-mode uefi")
        }
    }

    /// As EC2 calls the architecture.
    var name: String { architecture == .arm64 ? "arm64" : "x86_64" }
}

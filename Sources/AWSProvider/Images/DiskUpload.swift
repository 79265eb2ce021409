import AWSCore
import AWSServices
import Sandbox

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

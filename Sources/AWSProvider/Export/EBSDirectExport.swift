import AWSCore
import AWSServices
import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The disk of an AMI becomes files in the bucket by way of this machine: its snapshot is read once, only what was ever
/// written, into a sparse raw file, which is converted to all formats at once; each is uploaded as soon as it is ready.
///
/// Whatever has reached the bucket stays there when the rest fails, so that the next run makes only what is missing.
package struct EBSDirectExport: Sendable {
    package let site: BuildSite
    package let bucket: ImageBucket
    /// Where the files lie until they are uploaded.
    package let workDirectory: String
    package let runner: any CommandRunner

    package init(_ site: BuildSite, to bucket: ImageBucket, workDirectory: String, runner: any CommandRunner) {
        self.site = site
        self.bucket = bucket
        self.workDirectory = workDirectory
        self.runner = runner
    }

    /// - Parameter stem: of the files' names, without their ending.
    /// - Returns: in the order of `formats`.
    package func run(
        _ image: CapturedImage, formats: [ImageFormat], stem: String, appliance: Appliance, undo: Undo,
        events: @escaping EventSink
    ) async throws -> [Artifact] {
        let folder = Self.folder(of: image.snapshotID, in: workDirectory)
        try EBSDirectRoom.checkLimits(of: formats, volumeGiB: image.volumeGiB)
        let dataBytes = try await writtenBytes(of: image)
        try makeDirectory(folder, mode: 0o700)
        let lock = try Self.lock(folder)
        defer { withExtendedLifetime(lock) {} }
        await undo.register("the work files in \(folder)", remedy: "rm -r \(shellQuoted(folder))") {
            try Self.remove(folder)
        }
        try EBSDirectRoom(folder: folder, file: rawFile(in: folder)).check(formats, dataBytes: dataBytes)
        return try await explainingFullDisk(in: folder) {
            let raw = try await read(image, dataBytes, into: rawFile(in: folder), events)
            let job = Job(
                image: image, raw: raw, folder: folder, stem: stem, appliance: appliance, undo: undo, events: events)
            let artifacts = try await convertAndUpload(formats, job)
            // An object that was on its way is waited for, also by who was cancelled.
            try Task.checkCancellation()
            return artifacts
        }
    }

    private func rawFile(in folder: String) -> String { "\(folder)/disk.raw" }

    /// What there is to read, as far as AWS tells it.
    private func writtenBytes(of image: CapturedImage) async throws -> Int? {
        let snapshots = try await site.client.call(EC2.DescribeSnapshots(snapshotIds: [image.snapshotID])).snapshots
        return snapshots.first?.fullSnapshotSizeInBytes
    }

    private func read(
        _ image: CapturedImage, _ dataBytes: Int?, into file: String, _ events: @escaping EventSink
    ) async throws -> RawDisk {
        try await activity("read snapshot", events) {
            let download = SnapshotDownload(image.snapshotID, to: file, expectedBytes: dataBytes)
            let disk = try await download.run(with: site.client) {
                events(.progress(.export, $0.shown("read the snapshot")))
            }
            return RawDisk(
                path: file, virtualBytes: Int64(disk.volumeBytes), allocatedBytes: Int64(disk.dataBytes))
        }
    }

    // Formats

    private struct Job: Sendable {
        var image: CapturedImage
        var raw: RawDisk
        var folder: String
        var stem: String
        var appliance: Appliance
        var undo: Undo
        var events: EventSink
    }

    private func convertAndUpload(_ formats: [ImageFormat], _ job: Job) async throws -> [Artifact] {
        let groups = Self.groups(of: formats)
        let meter = EBSDirectMeter(groups, job.events)
        let artifacts = try await withThrowingTaskGroup(of: [Artifact].self) { group in
            for formats in groups {
                group.addTask {
                    let images = try await prepare(formats, job, meter)
                    return try await upload(images, formats, job, meter)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return formats.compactMap { format in artifacts.first { $0.format == format } }
    }

    /// What is converted in one go: an OVA has the VMDK in it.
    static func groups(of formats: [ImageFormat]) -> [[ImageFormat]] {
        let together = formats.filter { $0 == .vmdk || $0 == .ova }
        return (together.isEmpty ? [] : [together]) + formats.filter { !together.contains($0) }.map { [$0] }
    }

    /// The raw disk is there already and needs only its checksum.
    private func prepare(
        _ formats: [ImageFormat], _ job: Job, _ meter: EBSDirectMeter
    ) async throws -> [ConvertedImage] {
        let name = formats.map(\.rawValue).joined(separator: ", ")
        return try await activity("convert \(name)", job.events) {
            if formats == [.raw] {
                let name = "\(job.stem).\(ImageFormat.raw.fileExtension)"
                let path = job.raw.path
                meter.update(formats, "raw check", 0)
                let digest = try await Task.detached { try sha256(of: path) }.value
                return [
                    ConvertedImage(
                        format: .raw, temporaryPath: path, finalName: name, bytes: job.raw.virtualBytes, sha256: digest)
                ]
            }
            return try await ImageConverter(runner: runner).convert(
                job.raw, to: formats, in: job.folder, stem: job.stem, appliance: job.appliance
            ) { meter.update(formats, $0.activity, $0.completed / 100 / 2) }
        }
    }

    private func upload(
        _ images: [ConvertedImage], _ formats: [ImageFormat], _ job: Job, _ meter: EBSDirectMeter
    ) async throws -> [Artifact] {
        let total = images.reduce(0) { $0 + $1.bytes }
        let sent = EBSDirectMeter.Sum()
        return try await withThrowingTaskGroup(of: Artifact.self) { group in
            for image in images {
                group.addTask {
                    try await upload(image, job) { progress in
                        let share = Double(sent.set(image.format, progress.done)) / Double(max(total, 1))
                        let words = formats.map { "\($0.rawValue) upload" }.joined(separator: " · ")
                        meter.update(formats, "\(words) \(Int(share * 100)) %", 0.5 + share / 2)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func upload(
        _ image: ConvertedImage, _ job: Job, _ tell: @escaping @Sendable (TransferProgress) -> Void
    ) async throws -> Artifact {
        let key = site.keyPrefix + image.finalName
        let upload = FileUpload(
            image.temporaryPath, to: bucket.name, key, cacheControl: ExportedObject.cacheControl,
            contentType: ExportedObject.contentType,
            metadata: ExportedObject.metadata(of: job.image, sha256: image.sha256))
        let client = site.client
        await job.undo.register("an unfinished upload of s3://\(bucket.name)/\(key)", remedy: site.remedy) {
            try await upload.abandon(with: client)
        }
        _ = try await activity("upload \(image.format.rawValue)", job.events) {
            // Of an earlier run's file: no two conversions are the same in every byte.
            try await upload.abandon(with: client)
            return try await upload.run(with: client, progress: tell)
        }
        if image.format != .raw { try removeFile(image.temporaryPath) }
        return Artifact(
            format: image.format, location: bucket.url(of: key), bytes: image.bytes, sha256: image.sha256)
    }

    /// Removes what a run that was killed has left of an export on this machine.
    /// - Returns: whether there was anything.
    /// - Throws: `LockHeld` while a run is at work there.
    package static func removeWorkFiles(of snapshotID: String, in workDirectory: String) throws -> Bool {
        let folder = folder(of: snapshotID, in: workDirectory)
        guard fileExists(folder) else { return false }
        let lock = try lock(folder)
        defer { withExtendedLifetime(lock) {} }
        try remove(folder)
        return true
    }

    private static func folder(of snapshotID: String, in workDirectory: String) -> String {
        "\(workDirectory)/\(snapshotID)"
    }

    private static func lock(_ folder: String) throws -> FileLock {
        try FileLock("\(folder)/lock", holder: "an export in process \(getpid())")
    }

    private static func remove(_ folder: String) throws {
        guard fileExists(folder) else { return }
        try FileManager.default.removeItem(atPath: folder)
    }
}

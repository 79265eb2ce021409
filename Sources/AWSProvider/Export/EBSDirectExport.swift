import AWSCore
import AWSServices
import DiskImages
import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// Exports the disk of an AMI through this host: reads the written blocks of its snapshot once into a sparse raw file,
/// converts that to all formats in parallel, and uploads each format as soon as it is ready.
///
/// Files that have reached the bucket stay there if the rest fails, so that the next run makes only what is missing.
package struct EBSDirectExport: Sendable {
    package let workspace: AWSWorkspace
    package let store: S3ArtifactStore
    /// Where the files are kept until they are uploaded.
    package let workDirectory: String
    package let runner: any CommandRunner

    package init(
        _ workspace: AWSWorkspace, to store: S3ArtifactStore, workDirectory: String, runner: any CommandRunner
    ) {
        self.workspace = workspace
        self.store = store
        self.workDirectory = workDirectory
        self.runner = runner
    }

    /// - Returns: the files, in the order of `formats`.
    package func run(
        _ image: CapturedImage, formats: [ImageFormat], in build: BuildContext, replacing old: Replacement
    ) async throws -> [Manifest.File] {
        let folder = Self.folder(of: image.snapshotID, in: workDirectory)
        try ScratchSpace.checkLimits(of: formats, volumeGiB: image.volumeGiB)
        let dataBytes = try await writtenBytes(of: image)
        try makeDirectory(folder, mode: 0o700)
        let lock = try Self.lock(folder)
        defer { withExtendedLifetime(lock) {} }
        await build.scope.undo.register("the work files in \(folder)", remedy: "rm -r \(shellQuoted(folder))") {
            try Self.remove(folder)
        }
        try ScratchSpace(folder: folder, file: rawFile(in: folder)).check(formats, dataBytes: dataBytes)
        return try await explainingFullDisk(in: folder) {
            let raw = try await read(image, dataBytes, into: rawFile(in: folder), build.scope)
            let files = try await convertAndUpload(
                formats, Job(image: image, raw: raw, folder: folder, build: build, old: old))
            // Cancellation does not interrupt the upload of an object that has begun.
            try Task.checkCancellation()
            return files
        }
    }

    private func rawFile(in folder: String) -> String { "\(folder)/disk.raw" }

    /// The number of bytes to read, if AWS reports it.
    private func writtenBytes(of image: CapturedImage) async throws -> Int? {
        let snapshots = try await workspace.client.call(EC2.DescribeSnapshots(snapshotIds: [image.snapshotID]))
            .snapshots
        return snapshots.first?.fullSnapshotSizeInBytes
    }

    private func read(
        _ image: CapturedImage, _ dataBytes: Int?, into file: String, _ scope: Scope
    ) async throws -> RawDisk {
        try await scope.activity("read snapshot") {
            let download = SnapshotDownload(image.snapshotID, to: file, expectedBytes: dataBytes)
            let disk = try await download.run(with: workspace.client) {
                scope.progress(.export, $0.shown("read the snapshot"))
            }
            return RawDisk(path: file, virtualBytes: Int64(disk.volumeBytes))
        }
    }

    // Formats

    private struct Job: Sendable {
        var image: CapturedImage
        var raw: RawDisk
        var folder: String
        var build: BuildContext
        var old: Replacement

        var scope: Scope { build.scope }
    }

    private func convertAndUpload(_ formats: [ImageFormat], _ job: Job) async throws -> [Manifest.File] {
        let groups = Self.groups(of: formats)
        let meter = ExportProgress(groups, job.scope.events)
        let files = try await withThrowingTaskGroup(of: [Manifest.File].self) { group in
            for formats in groups {
                group.addTask {
                    let images = try await prepare(formats, job, meter)
                    return try await upload(images, formats, job, meter)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return formats.compactMap { format in files.first { $0.format == format } }
    }

    /// The formats that are converted together: an OVA contains the VMDK.
    static func groups(of formats: [ImageFormat]) -> [[ImageFormat]] {
        let together = formats.filter { $0 == .vmdk || $0 == .ova }
        return (together.isEmpty ? [] : [together]) + formats.filter { !together.contains($0) }.map { [$0] }
    }

    /// The raw disk needs no conversion, only its checksum.
    private func prepare(
        _ formats: [ImageFormat], _ job: Job, _ meter: ExportProgress
    ) async throws -> [ConvertedImage] {
        let name = formats.map(\.rawValue).joined(separator: ", ")
        return try await job.scope.activity("convert \(name)") {
            if formats == [.raw] {
                meter.update(formats, "raw check", 0)
                let file = Manifest.File(
                    name: job.build.order.imageName(.raw), format: .raw, bytes: job.raw.virtualBytes,
                    sha256: try await sha256InBackground(of: job.raw.path))
                return [ConvertedImage(file: file, temporaryPath: job.raw.path)]
            }
            return try await ImageConverter(runner: runner).convert(
                job.raw, to: formats, in: job.folder, stem: job.build.order.imageStem,
                appliance: Appliance(job.build.order)
            ) { meter.update(formats, $0.activity, $0.completed / 100 / 2) }
        }
    }

    private func upload(
        _ images: [ConvertedImage], _ formats: [ImageFormat], _ job: Job, _ meter: ExportProgress
    ) async throws -> [Manifest.File] {
        let total = images.reduce(0) { $0 + $1.file.bytes }
        let sent = ExportProgress.Sum()
        return try await withThrowingTaskGroup(of: Manifest.File.self) { group in
            for image in images {
                group.addTask {
                    try await upload(image, job) { progress in
                        let share = Double(sent.set(image.file.format, progress.done)) / Double(max(total, 1))
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
    ) async throws -> Manifest.File {
        let key = workspace.keyPrefix + image.file.name
        let upload = FileUpload(
            image.temporaryPath, to: store.bucket.name, key, cacheControl: ExportedObject.cacheControl,
            contentType: ExportedObject.contentType,
            metadata: ExportedObject.metadata(of: job.image, sha256: image.file.sha256))
        let client = workspace.client
        await job.scope.undo.register(
            "an unfinished upload of s3://\(store.bucket.name)/\(key)", remedy: workspace.remedy
        ) {
            try await upload.abandon(with: client)
        }
        _ = try await job.scope.activity("upload \(image.file.format.rawValue)") {
            // An unfinished upload of an earlier run: no two conversions are identical in every byte.
            try await upload.abandon(with: client)
            try await job.old.begin(image.file.name)
            return try await upload.run(with: client, progress: tell)
        }
        if image.file.format != .raw { try removeFile(image.temporaryPath) }
        return image.file
    }

    /// Removes the files that a killed export left on this host.
    /// - Returns: whether there were any.
    /// - Throws: `LockHeld` while an export uses them.
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

/// Checks that the files of an export fit into the working directory.
struct ScratchSpace: Sendable {
    let folder: String
    /// The raw file; the part that an earlier run has read needs no more space.
    let file: String

    /// The largest disk that a format can hold, in GiB: VHD by its specification, VMDK as QEMU opens it for
    /// the comparison.
    /// Sources: Virtual Hard Disk Image Format 1.0; QEMU's block/vmdk.c, `VMDK_EXTENT_MAX_SECTORS`.
    private static let limits: [ImageFormat: Int] = [
        .vhd: 2040, .vhdFixed: 2040, .vmdk: 2047, .vmdkSparse: 2047, .ova: 2047,
    ]

    /// - Throws: `Failure` if a format cannot hold a disk of that size.
    static func checkLimits(of formats: [ImageFormat], volumeGiB: Int) throws {
        for format in formats {
            guard let limit = limits[format], volumeGiB > limit else { continue }
            throw Failure(
                .badData, "a \(format.rawValue) file holds at most \(limit) GiB, the disk has \(volumeGiB) GiB",
                advice: "leave out \(format.rawValue), or build on a smaller volume: --set aws.volume_size=\(limit)GiB")
        }
    }

    /// Size of the file relative to the data on the disk: VHD, VHDX and a sparse VMDK store blocks uncompressed, a
    /// fixed VHD is as sparse as the disk, and the others compress.
    private static func share(of format: ImageFormat) -> Double {
        switch format {
        case .raw: 0
        case .vhd, .vhdx, .vmdkSparse: 1.1
        case .vhdFixed: 1
        case .vmdk, .qcow2, .gcp: 0.7
        // The archive and the VMDK that it is packed from.
        case .ova: 1.4
        }
    }

    static func needed(_ formats: [ImageFormat], dataBytes: Int) -> Int64 {
        let shares = formats.reduce(1) { $0 + share(of: $1) }
        let doubled = formats.contains(.ova) && formats.contains(.vmdk) ? share(of: .vmdk) : 0
        return Int64((Double(dataBytes) * (shares - doubled)).rounded())
    }

    /// - Parameter dataBytes: number of bytes ever written to the disk; nothing is checked if it is `nil`.
    func check(_ formats: [ImageFormat], dataBytes: Int?) throws {
        guard let dataBytes, let free = freeBytes(on: folder) else { return }
        let needed = Self.needed(formats, dataBytes: dataBytes) - allocated(file) - allocated("\(file).part")
        guard free < needed else { return }
        throw Self.failure(folder, "about \(needed >> 20) MiB are needed and \(free >> 20) MiB are free")
    }

    private func allocated(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
    }

    static func failure(_ folder: String, _ why: String) -> Failure {
        Failure(
            .temporary, "not enough disk space for the export in \(folder): \(why)",
            advice: "free some space there, or use a directory on another disk: --work-dir")
    }
}

/// Explains a full disk: where it is and how to go on.
func explainingFullDisk<Result>(in folder: String, _ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let error as TransferFileError where [ENOSPC, EDQUOT].contains(error.code) {
        throw ScratchSpace.failure(folder, error.description)
    } catch let error as FileError where error.isDiskFull {
        throw ScratchSpace.failure(folder, error.description)
    }
}

/// Combines the progress of all conversions and uploads into one line.
final class ExportProgress: Sendable {
    private struct State {
        var words: [[ImageFormat]: String] = [:]
        var shares: [[ImageFormat]: Double] = [:]
    }

    private let groups: [[ImageFormat]]
    private let events: EventSink
    private let state = Mutex(State())

    init(_ groups: [[ImageFormat]], _ events: @escaping EventSink) {
        self.groups = groups
        self.events = events
    }

    /// - Parameter share: progress of the group on its way to the bucket, from 0 to 1.
    func update(_ group: [ImageFormat], _ words: String, _ share: Double) {
        let progress = state.withLock { state in
            state.words[group] = words
            state.shares[group] = max(share, state.shares[group] ?? 0)
            return Self.progress(groups, state.words, state.shares)
        }
        events(.progress(.export, progress))
    }

    static func progress(
        _ groups: [[ImageFormat]], _ words: [[ImageFormat]: String], _ shares: [[ImageFormat]: Double]
    ) -> Progress {
        let text = groups.map { group in
            words[group] ?? group.map { "\($0.rawValue) wait" }.joined(separator: " · ")
        }
        let formats = groups.reduce(0) { $0 + $1.count }
        let done = groups.reduce(0) { $0 + (shares[$1] ?? 0) * Double($1.count) } / Double(max(formats, 1))
        return Progress(
            text.joined(separator: " · "), completed: (done * 100).rounded(), total: 100, unit: .percent)
    }

    /// Total bytes of several uploads.
    final class Sum: Sendable {
        private let parts: Mutex<[ImageFormat: Int]> = Mutex([:])

        func set(_ format: ImageFormat, _ bytes: Int) -> Int {
            parts.withLock { parts in
                parts[format] = bytes
                return parts.values.reduce(0, +)
            }
        }
    }
}

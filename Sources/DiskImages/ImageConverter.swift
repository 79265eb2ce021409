import FoundationEssentials
import Glibc
import Sandbox
import Synchronization
import Workbench

/// Converts one raw disk to all formats in parallel and checks each result against the disk before it is returned.
///
/// `VMDKWriter` writes streamOptimized VMDK, `tar` the archives, and `qemu-img` all other formats. The check of a VMDK is
/// split into as many parts as there are processors, because decompressing uses one processor for each.
package struct ImageConverter: Sendable {
    private let runner: any CommandRunner
    private let processors: Int

    package init(
        runner: any CommandRunner, processors: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        self.runner = runner
        self.processors = processors
    }

    /// Writes `<stem>.<format>` for each format under a temporary name in `directory`. The caller renames the files, so
    /// that all files of a release appear together.
    /// - Parameter appliance: the virtual machine for the OVA.
    /// - Throws: the error of the first format that fails; no files are left in `directory`.
    package func convert(
        _ raw: RawDisk, to formats: [ImageFormat], in directory: String, stem: String,
        appliance: Appliance, progress: @escaping ProgressSink = { _ in }
    ) async throws -> [ConvertedImage] {
        let meter = ConversionProgress(formats: formats, sink: progress)
        let job = ConversionJob(
            raw: raw, directory: directory, stem: stem, parts: CompareRange.split(raw, into: processors),
            processors: processors, runner: runner, meter: meter)
        do {
            return try await withThrowingTaskGroup(of: [ConvertedImage].self) { group in
                for format in formats where format != .vmdk && format != .ova {
                    group.addTask { [try await job.image(format)] }
                }
                if formats.contains(.ova) {
                    // The disk inside the OVA is the VMDK, so it is converted once.
                    let keepsDisk = formats.contains(.vmdk)
                    group.addTask { try await job.applianceAndDisk(appliance, keepsDisk: keepsDisk) }
                } else if formats.contains(.vmdk) {
                    group.addTask { [try await job.image(.vmdk)] }
                }
                var images: [ConvertedImage] = []
                while let more = try await group.next() { images += more }
                return images.sorted {
                    formats.firstIndex(of: $0.file.format)! < formats.firstIndex(of: $1.file.format)!
                }
            }
        } catch {
            let failure = explainingFullDisk(error, at: "\(directory)/")
            job.removeFiles(of: formats)
            throw failure
        }
    }
}

/// One `qemu-img convert` from a raw disk, for the formats that are neither archives nor streamOptimized VMDKs.
package struct Conversion: Sendable, Equatable {
    package var format: ImageFormat
    package var source: String
    package var target: String

    package init(format: ImageFormat, source: String, target: String) {
        self.format = format
        self.source = source
        self.target = target
    }

    package var command: Command {
        Command(
            "qemu-img",
            ["convert", "-p"] + threads + ["-f", "raw", "-O", Self.driver(of: format)] + options
                + [source, target],
            environment: ["LC_ALL": "C"])
    }

    private var options: [String] {
        switch format {
        // force_size: the exact size instead of one rounded to cylinders, as Azure and Hyper-V expect.
        case .vhd: ["-o", "subformat=dynamic,force_size=on"]
        // Azure takes only fixed disks, in whole MiB.
        case .vhdFixed: ["-o", "subformat=fixed,force_size=on"]
        // Microsoft recommends blocks of 1 MiB for Linux, because ext4 spreads its data
        // (https://learn.microsoft.com/windows-server/virtualization/hyper-v/best-practices-for-running-linux-on-hyper-v).
        case .vhdx: ["-o", "subformat=dynamic,block_size=1M"]
        // The adapter and the hardware version of the streamOptimized VMDK.
        case .vmdkSparse: ["-o", "subformat=monolithicSparse,adapter_type=lsilogic,hwversion=14"]
        // zstd takes a sixth of the time of zlib and gives a smaller file. QEMU can read it since 5.1 (August 2020).
        case .qcow2: ["-c", "-o", "compression_type=zstd"]
        case .raw, .vmdk, .ova, .gcp: []
        }
    }

    /// Out-of-order writes let qcow2 compress in several threads.
    private var threads: [String] {
        format == .qcow2 ? ["-m", "8", "-W"] : []
    }

    /// QEMU's name for a format, or for that of the disk inside an archive.
    package static func driver(of format: ImageFormat) -> String {
        switch format {
        case .vhd, .vhdFixed: "vpc"
        case .vmdk, .ova, .vmdkSparse: "vmdk"
        case .raw, .gcp: "raw"
        case .qcow2: "qcow2"
        case .vhdx: "vhdx"
        }
    }

    package static func subformat(of format: ImageFormat) -> String? {
        switch format {
        case .vhd: "dynamic"
        case .vhdFixed: "fixed"
        case .vmdk, .ova: "streamOptimized"
        case .vmdkSparse: "monolithicSparse"
        case .raw, .vhdx, .gcp: nil
        case .qcow2: "zstd"
        }
    }

    /// Parses `    (12.34/100%)`, which `qemu-img -p` terminates with a carriage return.
    package static func fraction(in line: String) -> Double? {
        guard let open = line.firstIndex(of: "("), let slash = line[open...].firstIndex(of: "/"),
            let percent = Double(line[line.index(after: open)..<slash])
        else { return nil }
        return min(max(percent / 100, 0), 1)
    }
}

/// The conversion of one raw disk to several formats.
struct ConversionJob: Sendable {
    let raw: RawDisk
    let directory: String
    let stem: String
    /// Ranges that are compared in parallel for a slow format.
    let parts: [CompareRange]
    let processors: Int
    let runner: any CommandRunner
    let meter: ConversionProgress

    func path(_ format: ImageFormat) -> String {
        "\(directory)/\(ConvertedImage.partialName(of: format.fileName(stem)))"
    }

    /// Converts to a format and checks the result; hash, comparison and header check run in parallel.
    func image(_ format: ImageFormat) async throws -> ConvertedImage {
        try await convert(format)
        return try await checked(format)
    }

    /// Packs a VMDK that has passed its checks into an OVA; also returns the VMDK if requested.
    func applianceAndDisk(_ appliance: Appliance, keepsDisk: Bool) async throws -> [ConvertedImage] {
        let disk = try await image(.vmdk)
        meter.update(.ova, "pack", 0.5)
        try await withTemporaryDirectory(in: directory) { workspace in
            var contents = ApplianceContents(
                appliance: appliance, stem: stem, disk: disk, capacity: raw.virtualBytes, descriptorDigest: "")
            let descriptor = "\(workspace)/\(contents.descriptorName)"
            try writeAtomically(contents.descriptor, to: descriptor)
            contents.descriptorDigest = try sha256(of: descriptor)
            try writeAtomically(contents.manifest, to: "\(workspace)/\(contents.manifestName)")
            let diskName = "\(workspace)/\(contents.diskName)"
            // A symbolic link, because some file systems have no hard links; tar packs the file behind it.
            let sibling = "../\(ConvertedImage.partialName(of: disk.file.name))"
            guard symlink(sibling, diskName) == 0 else { throw FileError("link to", diskName) }
            try await runner.run(contents.pack(workspace: workspace, output: path(.ova)))
        }
        if !keepsDisk { unlink(disk.temporaryPath) }
        let appliance = try await checked(.ova)
        return keepsDisk ? [disk, appliance] : [appliance]
    }

    private func convert(_ format: ImageFormat) async throws {
        meter.update(format, "convert", 0)
        // The qemu-img of a killed run may still write to the file and hold its lock.
        unlink(path(format))
        switch format {
        case .vmdk:
            try await VMDKWriter(processors: processors).write(
                raw, to: path(format), fileName: format.fileName(stem)
            ) { [meter] in meter.update(format, "convert", $0) }
        case .gcp:
            let command = DiskArchive(path: path(format)).packing(raw.path, processors: processors)
            try await runner.run(command) { [meter, raw] stream, line in
                guard stream == .standardError, let fraction = DiskArchive.fraction(in: line, of: raw.virtualBytes)
                else { return }
                meter.update(format, "convert", fraction)
            }
        case .vmdkSparse:
            // The descriptor contains the name that the file has while it is written.
            try await withTemporaryDirectory(in: directory) { workspace in
                let file = "\(workspace)/\(format.fileName(stem))"
                try await convertByQEMU(format, to: file)
                try renameFile(file, to: path(format))
            }
        default: try await convertByQEMU(format, to: path(format))
        }
    }

    private func convertByQEMU(_ format: ImageFormat, to file: String) async throws {
        let command = Conversion(format: format, source: raw.path, target: file).command
        do {
            try await runner.run(command) { [meter] stream, line in
                guard stream == .standardOutput, let fraction = Conversion.fraction(in: line) else { return }
                meter.update(format, "convert", fraction)
            }
        } catch { throw explainingFullDisk(error, at: "\(directory)/") }
    }

    private func checked(_ format: ImageFormat) async throws -> ConvertedImage {
        meter.update(format, "check", 1)
        let path = path(format)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            async let digest = sha256InBackground(of: path)
            group.addTask { try await checkHeader(format) }
            for comparison in try comparisons(format, path) { group.addTask { try await compare(format, comparison) } }
            try await group.waitForAll()
            let image = ConvertedImage(
                file: Manifest.File(
                    name: format.fileName(stem), format: format, bytes: try FileSize(of: path).length,
                    sha256: try await digest),
                temporaryPath: path)
            meter.update(format, "done", 1)
            return image
        }
    }

    /// The commands that compare the content of a file with the raw disk, to run in parallel.
    private func comparisons(_ format: ImageFormat, _ path: String) throws -> [Command] {
        if format == .gcp { return [DiskArchive(path: path).comparison(with: raw.path)] }
        let node = try QemuBlockNode(path: path, format: format)
        let ranges = format == .vmdk || format == .ova ? parts : [.whole(raw.virtualBytes)]
        return ranges.map { $0.command(raw: raw.path, image: node) }
    }

    private func compare(_ format: ImageFormat, _ command: Command) async throws {
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard !output.status.isSuccess else { return }
        throw Failure(
            .failed, "the \(format.rawValue) file differs from the raw disk",
            details: CommandFailure(command, output).lastLines, advice: "compare again with: \(command.shellLine)")
    }

    private func checkHeader(_ format: ImageFormat) async throws {
        let info = try await ImageInspector(runner: runner).inspect(path(format), as: format)
        guard info.virtualBytes == raw.virtualBytes, info.subformat == Conversion.subformat(of: format) else {
            throw Failure(
                .failed,
                "the \(format.rawValue) file is \(info.subformat ?? "plain") with \(info.virtualBytes) virtual bytes, "
                    + "expected \(Conversion.subformat(of: format) ?? "plain") with \(raw.virtualBytes)")
        }
    }

    func removeFiles(of formats: [ImageFormat]) {
        let made = formats.contains(.ova) ? formats + [.vmdk] : formats
        for format in made { unlink(path(format)) }
    }
}

/// Combines the progress of all formats into one activity.
final class ConversionProgress: Sendable {
    private struct State {
        var activities: [ImageFormat: String]
        var fractions: [ImageFormat: Double]
    }

    private let formats: [ImageFormat]
    private let sink: ProgressSink
    private let state: Mutex<State>

    init(formats: [ImageFormat], sink: @escaping ProgressSink) {
        self.formats = formats
        self.sink = sink
        state = Mutex(State(activities: [:], fractions: [:]))
    }

    /// Updates a format. Progress of a format that was not requested, the VMDK inside an OVA, counts as the OVA's.
    func update(_ format: ImageFormat, _ activity: String, _ fraction: Double) {
        let shown = formats.contains(format) ? format : .ova
        let progress = state.withLock { state in
            state.activities[shown] = activity
            state.fractions[shown] = max(fraction, state.fractions[shown] ?? 0)
            return Self.progress(formats, state.activities, state.fractions)
        }
        sink(progress)
    }

    /// `vhd done · vmdk convert 43 %`, and the completed percentage of all formats.
    static func progress(
        _ formats: [ImageFormat], _ activities: [ImageFormat: String], _ fractions: [ImageFormat: Double]
    ) -> Progress {
        let words = formats.map { format in
            let activity = activities[format] ?? "wait"
            let percent = activity == "convert" ? " \(Int((fractions[format] ?? 0) * 100)) %" : ""
            return "\(format.rawValue) \(activity)\(percent)"
        }
        let done = formats.reduce(0) { $0 + (fractions[$1] ?? 0) } / Double(max(formats.count, 1))
        return Progress(
            words.joined(separator: " · "), completed: (done * 100).rounded(), total: 100, unit: .percent)
    }
}

/// An image that has passed all checks and has a temporary name until it is renamed into place.
package struct ConvertedImage: Sendable, Equatable {
    /// What the manifest says about it.
    package var file: Manifest.File
    /// Absolute path in the directory of the final name.
    package var temporaryPath: String

    package init(file: Manifest.File, temporaryPath: String) {
        self.file = file
        self.temporaryPath = temporaryPath
    }

    /// The name of an unfinished file: `.sandbox.vhd.partial`.
    package static func partialName(of finalName: String) -> String { ".\(finalName).partial" }

    /// Whether a file with this name is a leftover of a killed export.
    package static func isPartialName(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(".partial")
    }
}

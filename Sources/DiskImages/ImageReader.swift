import FoundationEssentials
import Sandbox
import Workbench

/// Reads the disk of a finished image, so that it can be converted to other formats.
package struct ImageReader: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// Formats in the order in which an image is read: uncompressed ones first, because they are read faster.
    package static let preference: [ImageFormat] = [
        .raw, .vhdFixed, .vhd, .vhdx, .vmdkSparse, .qcow2, .vmdk, .ova, .gcp,
    ]

    /// The disk of an image as a raw file: a raw image itself, or a copy at `path`, which is compared with the image.
    /// - Throws: `Failure` with code `.badData` if the image is damaged, `.temporary` if the host's disk is full.
    package func rawDisk(
        of image: String, _ format: ImageFormat, at path: String, progress: @escaping ProgressSink = { _ in }
    ) async throws -> RawDisk {
        let bytes = try await ImageInspector(runner: runner).inspect(image, as: format).virtualBytes
        if format == .raw { return RawDisk(path: image, virtualBytes: bytes) }
        let activity = "reading the \(format.rawValue) image"
        progress(Progress(activity))
        let disk = RawDisk(path: path, virtualBytes: bytes)
        if format == .gcp {
            // No comparison: the checksum in the archive confirms the content.
            try await DiskArchive(path: image).unpack(to: path, runner)
            return disk
        }
        let node = try QemuBlockNode(path: image, format: format)
        do {
            try await runner.run(Self.command(reading: node, to: path)) { stream, line in
                guard stream == .standardOutput, let fraction = Conversion.fraction(in: line) else { return }
                progress(Progress(activity, completed: (fraction * 100).rounded(), total: 100, unit: .percent))
            }
        } catch { throw explainingFullDisk(error, at: path) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for range in CompareRange.split(disk, into: ProcessInfo.processInfo.activeProcessorCount) {
                group.addTask { try await compare(image, range.command(raw: path, image: node)) }
            }
            try await group.waitForAll()
        }
        return disk
    }

    private func compare(_ image: String, _ command: Command) async throws {
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard !output.status.isSuccess else { return }
        throw Failure(
            .failed, "the disk that was read differs from \(image)",
            details: CommandFailure(command, output).lastLines, advice: "compare again with: \(command.shellLine)")
    }

    static func command(reading node: QemuBlockNode, to path: String) -> Command {
        Command(
            "qemu-img", ["convert", "-p", "--image-opts", "-O", "raw", node.options, path], environment: ["LC_ALL": "C"]
        )
    }
}

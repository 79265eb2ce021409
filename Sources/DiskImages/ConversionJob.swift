import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// One export: a raw disk on its way into several formats.
struct ConversionJob: Sendable {
    let raw: RawDisk
    let directory: String
    let stem: String
    /// How the comparison of a slow format is cut.
    let parts: [CompareRange]
    let runner: any CommandRunner
    let meter: ConversionMeter

    func finalName(_ format: ImageFormat) -> String { "\(stem).\(format.fileExtension)" }

    func path(_ format: ImageFormat) -> String {
        "\(directory)/\(ConvertedImage.partialName(of: finalName(format)))"
    }

    /// Converts and checks; hash, comparison and look at the header run side by side.
    func image(_ format: ImageFormat) async throws -> ConvertedImage {
        try await convert(format)
        return try await checked(format)
    }

    /// The OVA around a VMDK that has passed its checks, and that VMDK where it is wanted too.
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
            guard link(disk.temporaryPath, diskName) == 0 else { throw FileError("link to", diskName) }
            try await runner.run(contents.pack(workspace: workspace, output: path(.ova)))
        }
        if !keepsDisk { unlink(disk.temporaryPath) }
        let appliance = try await checked(.ova)
        return keepsDisk ? [disk, appliance] : [appliance]
    }

    private func convert(_ format: ImageFormat) async throws {
        let command = Conversion(format: format, source: raw.path, target: path(format)).command
        meter.update(format, "convert", 0)
        // The qemu-img of a run that was killed may still write to it, and hold its lock.
        unlink(path(format))
        try await runner.run(command) { [meter] stream, line in
            guard stream == .standardOutput, let fraction = Conversion.fraction(in: line) else { return }
            meter.update(format, "convert", fraction)
        }
    }

    private func checked(_ format: ImageFormat) async throws -> ConvertedImage {
        meter.update(format, "check", 1)
        let path = path(format)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            async let digest = sha256InBackground(of: path)
            group.addTask { try await checkHeader(format) }
            let node = try ImageNode(path: path, format: format)
            for range in format == .vmdk || format == .ova ? parts : [.whole(raw.virtualBytes)] {
                group.addTask { try await compare(format, node, range) }
            }
            try await group.waitForAll()
            let image = ConvertedImage(
                format: format, temporaryPath: path, finalName: finalName(format),
                bytes: try FileSize(of: path).length, sha256: try await digest)
            meter.update(format, "done", 1)
            return image
        }
    }

    private func compare(_ format: ImageFormat, _ node: ImageNode, _ range: CompareRange) async throws {
        let output = try await runner.execute(range.command(raw: raw.path, image: node))
        try Task.checkCancellation()
        guard !output.status.isSuccess else { return }
        let failure = CommandFailure(range.command(raw: raw.path, image: node), output)
        throw Failure(
            .failed, "the \(format.rawValue) file is not what was converted", details: failure.lastLines,
            advice: "to compare again: \(failure.command.shellLine)")
    }

    private func checkHeader(_ format: ImageFormat) async throws {
        let info = try await ImageInspector(runner: runner).inspect(path(format), as: format)
        guard info.virtualBytes == raw.virtualBytes, info.subformat == Conversion.subformat(of: format) else {
            throw Failure(
                .failed,
                "the \(format.rawValue) file is \(info.subformat ?? "plain") of \(info.virtualBytes) bytes instead of "
                    + "\(Conversion.subformat(of: format) ?? "plain") of \(raw.virtualBytes) bytes")
        }
    }

    func removeFiles(of formats: [ImageFormat]) {
        let made = formats.contains(.ova) ? formats + [.vmdk] : formats
        for format in made { unlink(path(format)) }
    }
}

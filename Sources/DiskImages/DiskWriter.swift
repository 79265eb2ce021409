import Dispatch
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Receives progress; it can be called from any task and must return immediately.
package typealias ProgressSink = @Sendable (Progress) -> Void

/// Writes a bootable raw disk from a directory with a root file system, without mounting anything.
///
/// The directory must contain the kernel and `/boot/grub/grub.cfg`; the disk boots with BIOS and UEFI.
package struct DiskWriter: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// - Parameters:
    ///   - root: the directory, which may be a mount point; it is not changed.
    ///   - path: the file to write; it gets this name only after it is complete and checked.
    /// - Throws: `Failure` with code `.badData` if the content does not fit, `.temporary` if the host's disk is full,
    ///   `.unavailable` if the architecture is not supported or GRUB is not installed.
    package func write(
        _ root: String, to path: String, sizeMiB: Int, architecture: Architecture = .amd64,
        progress: @escaping ProgressSink = { _ in }
    ) async throws -> RawDisk {
        guard architecture == .amd64 else {
            throw Failure(.unavailable, "cannot build disks for \(architecture.rawValue); only amd64 is supported")
        }
        let layout = try DiskLayout(sizeMiB: sizeMiB)
        let fileSystem = RootFileSystem(partition: layout.root)
        progress(Progress("measuring the root file system"))
        let content = try SpaceUsage(measuring: root)
        try fileSystem.requireRoom(for: content)
        let loader = try BootLoader(root: root)

        return try await withPartialFile(for: path) { partial in
            try requireFreeSpace(content.bytes, at: partial)
            try createSparse(partial, bytes: layout.sizeBytes)
            try await runner.run(partitionCommand(partial, layout))
            try await withWatch(of: partial, total: content.bytes, progress) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await makeBootable(partial, layout, loader) }
                    group.addTask { try await runner.run(fileSystem.make(from: root, on: partial)) }
                    try await group.waitForAll()
                }
            }
            progress(Progress("checking the root file system"))
            try await runner.run(fileSystem.check(on: partial))
        }
    }

    func partitionCommand(_ disk: String, _ layout: DiskLayout) -> Command {
        Command(
            "sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", disk], environment: ["LC_ALL": "C"],
            input: .text(layout.sfdiskScript))
    }

    /// Installs GRUB: for BIOS boot.img in the first sector and the core image in its partition, for UEFI a boot loader
    /// on the ESP.
    private func makeBootable(_ disk: String, _ layout: DiskLayout, _ loader: BootLoader) async throws {
        try await withTemporaryDirectory { directory in
            let config = "\(directory)/early.cfg"
            let core = "\(directory)/core.img"
            let efi = "\(directory)/BOOTX64.EFI"
            try writeAtomically(BootLoader.earlyConfig, to: config)
            try await runner.run(loader.makeImage(for: .bios, config: config, output: core))
            try await runner.run(loader.makeImage(for: .uefi, config: config, output: efi))

            let boot = try readBytes("\(loader.directories[.bios] ?? "")/boot.img")
            let first = try readBytes(disk, count: DiskLayout.sectorSize)
            try writeBytes(
                BootCode.bootSector(bootImage: boot, over: first, coreSector: layout.biosBoot.startSector),
                to: disk, at: 0)
            try writeBytes(
                BootCode.coreImage(readBytes(core), at: layout.biosBoot), to: disk, at: layout.biosBoot.startBytes)

            for command in BootLoader.espCommands(disk: disk, partition: layout.esp, loader: efi) {
                try await runner.run(command)
            }
        }
    }

    /// Runs `body` with a temporary file name and renames the file at the end; the file is removed after an error.
    private func withPartialFile(
        for path: String, _ body: (String) async throws -> Void
    ) async throws -> RawDisk {
        let partial = ConvertedImage.partialPath(of: path)
        do {
            try await body(partial)
            let bytes = try FileSize(of: partial).length
            guard rename(partial, path) == 0 else { throw FileError("rename to", path) }
            return RawDisk(path: path, virtualBytes: bytes)
        } catch {
            let failure = explainingFullDisk(error, at: partial)
            unlink(partial)
            throw failure
        }
    }

    /// Reports the written bytes of a file four times per second while `body` runs.
    private func withWatch(
        of path: String, total: Int64, _ progress: @escaping ProgressSink, _ body: () async throws -> Void
    ) async throws {
        let watch = Task {
            while !Task.isCancelled {
                let written = Double((try? FileSize(of: path))?.allocated ?? 0)
                let total = max(Double(total), 1)
                progress(
                    Progress("writing the disk", completed: min(written, total), total: total, unit: .bytes))
                try await Task.sleep(for: .milliseconds(250))
            }
        }
        defer { watch.cancel() }
        try await body()
    }
}

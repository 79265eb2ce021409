import Dispatch
import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Takes news of how far a piece of work is; called from any task, must return at once.
package typealias ProgressSink = @Sendable (Progress) -> Void

/// Writes a bootable raw disk from a directory with a root file system, without mounting anything.
///
/// The directory has the kernel and `/boot/grub/grub.cfg` already; the disk boots by BIOS and by UEFI.
package struct DiskWriter: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// - Parameters:
    ///   - root: the directory; it may be a mount point, and nothing in it is changed.
    ///   - path: the file to write; it has this name only once it is complete and checked.
    /// - Throws: `Failure` with code `.badData` where the content does not fit, `.temporary` where this machine's
    ///   disk is full, `.unavailable` for another architecture or where GRUB is not there.
    package func write(
        _ root: String, to path: String, sizeMiB: Int, architecture: Architecture = .amd64,
        progress: @escaping ProgressSink = { _ in }
    ) async throws -> RawDisk {
        guard architecture == .amd64 else {
            throw Failure(.unavailable, "disks for \(architecture.rawValue) cannot be made yet, only for amd64")
        }
        let layout = try DiskLayout(sizeMiB: sizeMiB)
        let fileSystem = RootFileSystem(partition: layout.root)
        progress(Progress("measure the root file system"))
        let content = try RootContent(measuring: root)
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
            progress(Progress("check the root file system"))
            try await runner.run(fileSystem.check(on: partial))
        }
    }

    func partitionCommand(_ disk: String, _ layout: DiskLayout) -> Command {
        Command(
            "sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", disk], environment: ["LC_ALL": "C"],
            input: .text(layout.sfdiskScript))
    }

    /// BIOS: boot.img in the first sector, the core image in its partition. UEFI: a loader on the ESP.
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

    /// Runs `body` with a file under a temporary name, and renames it at the end; after an error nothing is left.
    private func withPartialFile(
        for path: String, _ body: (String) async throws -> Void
    ) async throws -> RawDisk {
        let partial = ConvertedImage.partialPath(of: path)
        do {
            try await body(partial)
            let size = try FileSize(of: partial)
            guard rename(partial, path) == 0 else { throw FileError("rename to", path) }
            return RawDisk(path: path, virtualBytes: size.length, allocatedBytes: size.allocated)
        } catch {
            let failure = explainingFullDisk(error, at: partial)
            unlink(partial)
            throw failure
        }
    }

    /// Tells how much of the file is written, four times a second, while `body` runs.
    private func withWatch(
        of path: String, total: Int64, _ progress: @escaping ProgressSink, _ body: () async throws -> Void
    ) async throws {
        let watch = Task {
            while !Task.isCancelled {
                let written = Double((try? FileSize(of: path))?.allocated ?? 0)
                let total = max(Double(total), 1)
                progress(
                    Progress("write the disk", completed: min(written, total), total: total, unit: .bytes))
                try await Task.sleep(for: .milliseconds(250))
            }
        }
        defer { watch.cancel() }
        try await body()
    }
}

/// The SHA-256 of a large file, taken on a thread of its own: there are only as many threads for tasks as there
/// are processors, and reading a gigabyte would hold one of them for seconds.
func sha256InBackground(of path: String) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result { try sha256(of: path) })
        }
    }
}

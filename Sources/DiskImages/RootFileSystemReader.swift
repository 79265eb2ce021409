import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Reads the files of an image without booting or mounting it, so that neither the kernel nor a guest can change or
/// hide anything, and so that nobody has to be root.
package struct RootFileSystemReader: Sendable {
    private let runner: any CommandRunner

    package init(runner: any CommandRunner) {
        self.runner = runner
    }

    /// Calls `body` with a directory that has the files of the image's root file system. Devices, sockets, pipes and,
    /// unless this user is root, owners are left out.
    /// - Parameter image: path of an image in any format.
    /// - Throws: `Failure` with code `.badData` if the image is damaged or has no root file system.
    package func withFiles<Result>(
        of image: String, progress: @escaping ProgressSink = { _ in }, _ body: (String) async throws -> Result
    ) async throws -> Result {
        let info = try await ImageInspector(runner: runner).inspect(image)
        // Not /tmp, which may be in memory.
        return try await withTemporaryDirectory(in: "/var/tmp") { scratch in
            let disk = try await ImageReader(runner: runner).rawDisk(
                of: image, info.format, at: "\(scratch)/disk.raw", progress: progress)
            let offset = try await rootOffset(of: disk.path, image)
            progress(Progress("extracting the root file system"))
            let root = "\(scratch)/root"
            try makeDirectory(root)
            try await extract(from: disk.path, at: offset, to: root, image)
            return try await body(root)
        }
    }

    /// The first byte of the root file system.
    private func rootOffset(of disk: String, _ image: String) async throws -> Int64 {
        let command = Command("sfdisk", ["--json", disk], environment: ["LC_ALL": "C"])
        let output = try await runner.execute(command)
        guard output.status.isSuccess,
            let table = try? JSONDecoder().decode(PartitionTable.self, from: Data(output.standardOutput.utf8)),
            let root = table.root
        else {
            throw Failure(
                .badData, "\(image) has no root file system", details: CommandFailure(command, output).lastLines)
        }
        return root.start * Int64(DiskLayout.sectorSize)
    }

    static func extraction(from disk: String, at offset: Int64, to root: String) -> Command {
        Command("debugfs", ["-R", "rdump / \(root)", "\(disk)?offset=\(offset)"], environment: ["LC_ALL": "C"])
    }

    /// debugfs exits with 0 even if it cannot read the file system, and then writes no files.
    private func extract(from disk: String, at offset: Int64, to root: String, _ image: String) async throws {
        let command = Self.extraction(from: disk, at: offset, to: root)
        let output = try await runner.execute(command)
        try Task.checkCancellation()
        guard output.status.isSuccess, fileExists("\(root)/etc") else {
            throw Failure(
                .badData, "cannot read the root file system of \(image)",
                details: CommandFailure(command, output).lastLines,
                advice: "the file system must be ext4, and /var/tmp needs room for the disk and its files")
        }
    }
}

/// The part of `sfdisk --json` that says where the root file system is.
struct PartitionTable: Decodable {
    struct Partition: Decodable, Equatable {
        var start: Int64
        var type: String
    }

    private struct Table: Decodable {
        var partitions: [Partition]?
    }

    private let partitiontable: Table

    /// The partition with a root type of the Discoverable Partitions Specification (x86-64 or ARM64), else the first
    /// partition, which is the root file system in the cloud images that AMIs are made of.
    var root: Partition? {
        let partitions = partitiontable.partitions ?? []
        return partitions.first { Self.rootTypes.contains($0.type.uppercased()) } ?? partitions.first
    }

    private static let rootTypes = ["4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "B921B045-1DF0-41C3-AF44-4C6F280D3FAE"]
}

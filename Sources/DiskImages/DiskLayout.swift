import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// The partition layout of an image: BIOS boot, ESP, and the root file system last, so that it can grow.
///
/// Partitions are aligned to 1 MiB, which fits the physical sectors of all disks. The last MiB is reserved for the
/// backup GPT, which needs the last 33 sectors (UEFI Specification 2.10, 5.3).
package struct DiskLayout: Sendable, Equatable {
    package struct Partition: Sendable, Equatable {
        package var name: String
        package var startMiB: Int
        package var sizeMiB: Int
        /// GUID of the partition type, in the format of `sfdisk`.
        package var type: String

        package var startBytes: Int64 { Int64(startMiB) << 20 }
        package var sizeBytes: Int64 { Int64(sizeMiB) << 20 }
        package var startSector: UInt64 { UInt64(startMiB) * DiskLayout.sectorsPerMiB }
    }

    package static let sectorSize = 512
    package static let sectorsPerMiB: UInt64 = 2048
    package static let espMiB = 64
    /// Minimum size: the first MiB, the BIOS boot partition, the ESP, 64 MiB for root and the last MiB.
    package static let minimumMiB = 1 + 1 + espMiB + 64 + 1

    package let sizeMiB: Int

    /// - Throws: `Failure` with code `.badData` if the partitions do not fit.
    package init(sizeMiB: Int) throws {
        guard sizeMiB >= Self.minimumMiB else {
            throw Failure(
                .badData, "a disk of \(sizeMiB) MiB is too small; the minimum is \(Self.minimumMiB) MiB",
                advice: "set a larger disk size in sandbox.yaml")
        }
        self.sizeMiB = sizeMiB
    }

    package var sizeBytes: Int64 { Int64(sizeMiB) << 20 }

    /// The partition for GRUB's core image, because GPT leaves no gap after the boot sector.
    package var biosBoot: Partition {
        Partition(name: "bios", startMiB: 1, sizeMiB: 1, type: "21686148-6449-6E6F-744E-656564454649")
    }

    package var esp: Partition {
        Partition(name: "ESP", startMiB: 2, sizeMiB: Self.espMiB, type: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
    }

    /// The root partition, with type "Linux root (x86-64)" of the Discoverable Partitions Specification.
    package var root: Partition {
        let start = esp.startMiB + esp.sizeMiB
        return Partition(
            name: "root", startMiB: start, sizeMiB: sizeMiB - start - 1, type: "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")
    }

    package var partitions: [Partition] { [biosBoot, esp, root] }

    /// The partition table as input for `sfdisk`.
    package var sfdiskScript: String {
        (["label: gpt"]
            + partitions.map {
                "start=\($0.startMiB)MiB, size=\($0.sizeMiB)MiB, type=\($0.type), name=\($0.name)"
            }).joined(separator: "\n") + "\n"
    }
}

/// A raw disk that has been written and checked.
package struct RawDisk: Sendable, Equatable {
    package var path: String
    /// Size of the disk as seen by a machine, which is the length of the file.
    package var virtualBytes: Int64

    package init(path: String, virtualBytes: Int64) {
        self.path = path
        self.virtualBytes = virtualBytes
    }
}

/// Length of a file and its disk usage, in bytes.
struct FileSize: Equatable {
    var length: Int64
    var allocated: Int64

    init(of path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError("read", path) }
        length = Int64(status.st_size)
        allocated = Int64(status.st_blocks) * 512
    }
}

extension ConvertedImage {
    /// The temporary path in the same directory as the final path.
    static func partialPath(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return partialName(of: path) }
        return path[...slash] + partialName(of: String(path[path.index(after: slash)...]))
    }
}

func createSparse(_ path: String, bytes: Int64) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileError("create", path) }
    defer { close(file) }
    guard ftruncate(file, off_t(bytes)) == 0 else { throw FileError("create", path) }
}

/// Reads a part of a file; returns fewer bytes if the file ends earlier.
func readBytes(_ path: String, at offset: Int64 = 0, count: Int? = nil) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("read", path) }
    defer { close(file) }
    let length = try FileSize(of: path).length
    let wanted = min(count ?? Int(length), Int(max(0, length - offset)))
    var done = 0
    return try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
        while done < wanted {
            let got = pread(file, buffer.baseAddress! + done, wanted - done, off_t(offset) + off_t(done))
            guard got >= 0 else { throw FileError("read", path) }
            if got == 0 { break }
            done += got
        }
        initialized = done
    }
}

/// Overwrites a part of an existing file.
func writeBytes(_ bytes: [UInt8], to path: String, at offset: Int64) throws {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("write", path) }
    defer { close(file) }
    var done = 0
    while done < bytes.count {
        let written = bytes.withUnsafeBytes {
            pwrite(file, $0.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
        }
        guard written >= 0 else { throw FileError("write", path) }
        done += written
    }
}

/// Bytes available to unprivileged users on the file system of the directory of `path`.
func freeBytes(at path: String) -> Int64? {
    freeBytes(on: parentDirectory(path) + "/")
}

/// Checks that enough space is free before anything is written.
/// - Throws: `Failure` with code `.temporary` if there is not.
func requireFreeSpace(_ bytes: Int64, at path: String) throws {
    guard let free = freeBytes(at: path), free < bytes else { return }
    throw diskFull(path, "\(mebibytes(bytes)) MiB needed, \(free >> 20) MiB free")
}

/// Replaces a tool's failure by a "no space left" failure if the disk is full: each tool reports this differently, but
/// the file system can be queried. Must be called before the partial file is removed.
func explainingFullDisk(_ error: any Error, at path: String) -> any Error {
    if let error = error as? FileError, error.isDiskFull { return diskFull(path, "\(error)") }
    guard let failure = error as? CommandFailure, let free = freeBytes(at: path), free < 4 << 20 else { return error }
    let details = failure.lastLines.filter { Conversion.fraction(in: $0) == nil }
    return diskFull(path, "\(failure.command.executable) ran out of space", details)
}

private func diskFull(_ path: String, _ why: String, _ details: [String] = []) -> Failure {
    let directory = parentDirectory(path)
    return Failure(
        .temporary, "no space left in \(directory): \(why)", details: details,
        advice: "free some space; see: df -h \(shellQuoted(directory))")
}

import FoundationEssentials
import Glibc
import Sandbox
import Workbench

/// Length of a file and what it takes on disk, in bytes.
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
    /// The temporary name beside the final one.
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

/// Reads a part of a file; fewer bytes where it ends before.
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

/// Overwrites a part of a file that is there.
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

/// Free bytes for ordinary users on the file system that holds the directory of `path`.
func freeBytes(at path: String) -> Int64? {
    freeBytes(on: parentDirectory(path) + "/")
}

/// - Throws: `Failure` with code `.temporary` before anything is written.
func requireFreeSpace(_ bytes: Int64, at path: String) throws {
    guard let free = freeBytes(at: path), free < bytes else { return }
    throw diskFull(path, "\(mebibytes(bytes)) MiB are needed and \(free >> 20) MiB are free")
}

/// Turns a tool's failure into "the disk is full" where it is: tools tell it in many ways, the file system in one.
/// To be called before the half-written file is removed.
func explainingFullDisk(_ error: any Error, at path: String) -> any Error {
    if let error = error as? FileError, error.isDiskFull { return diskFull(path, "\(error)") }
    guard let failure = error as? CommandFailure, let free = freeBytes(at: path), free < 4 << 20 else { return error }
    let details = failure.lastLines.filter { Conversion.fraction(in: $0) == nil }
    return diskFull(path, "\(failure.command.executable) had no room to write", details)
}

private func diskFull(_ path: String, _ why: String, _ details: [String] = []) -> Failure {
    let directory = parentDirectory(path)
    return Failure(
        .temporary, "the disk is full at \(directory): \(why)", details: details,
        advice: "free some space, see: df -h \(shellQuoted(directory))")
}

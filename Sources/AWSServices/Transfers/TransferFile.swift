import Glibc

/// A file of which pieces are read or written by several tasks at once.
final class TransferFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// - Parameter size: opens for writing and gives the file this size; `nil` opens for reading.
    init(_ path: String, size: Int? = nil) throws {
        self.path = path
        descriptor = open(path, size == nil ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw TransferFileError(size == nil ? "read" : "write", path) }
        if let size, ftruncate(descriptor, size) != 0 { throw TransferFileError("write", path) }
    }

    deinit { close(descriptor) }

    /// Size in bytes, and what changes when somebody writes to it.
    func state() throws -> FileState {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw TransferFileError("read", path) }
        return FileState(
            size: Int(status.st_size), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// - Throws: where the file has become shorter.
    func read(_ piece: Piece) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: piece.length) { buffer, count in
            while count < piece.length {
                let got = pread(
                    descriptor, buffer.baseAddress! + count, piece.length - count, off_t(piece.offset + count))
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw TransferFileError("read", path) }
                guard got > 0 else { throw FileChanged(path: path) }
                count += got
            }
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { buffer in
            var count = 0
            while count < buffer.count {
                let put = pwrite(descriptor, buffer.baseAddress! + count, buffer.count - count, off_t(offset + count))
                if put < 0, errno == EINTR { continue }
                guard put >= 0 else { throw TransferFileError("write", path) }
                count += put
            }
        }
    }

    func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw TransferFileError("write", path) }
    }
}

struct FileState: Sendable, Equatable {
    var size: Int
    var seconds: Int
    var nanoseconds: Int
}

/// A system call on a transferred file failed.
package struct TransferFileError: Error, Sendable, Equatable, CustomStringConvertible {
    package var action: String
    package var path: String
    package var code: Int32

    init(_ action: String, _ path: String, code: Int32 = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    package var description: String { "cannot \(action) \(path): \(String(cString: strerror(code)))" }
}

/// The file changed while it was sent, so that what lies in S3 would be a mixture.
package struct FileChanged: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var description: String { "\(path) changed while it was sent" }
}

/// Bytes that arrived are not those that were stored.
package struct IntegrityError: Error, Sendable, Equatable, CustomStringConvertible {
    package var object: String
    package var message: String
    package var description: String { "\(object): \(message)" }
}

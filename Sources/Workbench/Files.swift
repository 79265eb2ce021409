import Glibc
import SystemPackage

/// A system call on a file failed.
package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    package var action: String
    package var path: String
    package var code: Int32

    package init(_ action: String, _ path: String, code: Int32 = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
    package var description: String { "cannot \(action) \(path): \(Errno(rawValue: code))" }
}

/// Makes a directory with a random name, mode 0700.
package func makeTemporaryDirectory(in parent: String) throws -> String {
    var template = Array("\(parent)/dss.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("make a directory in", parent) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Writes a file under a temporary name beside it and renames it, so that nobody ever sees half of it.
/// - Parameter mode: the file's permissions, whatever the umask says.
package func writeAtomically(_ text: String, to path: String, mode: UInt16 = 0o644) throws {
    // A name of its own for each call, so that two writers of one file do not meet.
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileError("write", path) }
    do {
        defer { close(file) }
        try writeAll(Array(text.utf8), to: file, path)
        guard fchmod(file, mode_t(mode)) == 0, fsync(file) == 0 else { throw FileError("write", path) }
        guard rename(temporary, path) == 0 else { throw FileError("write", path) }
    } catch {
        unlink(temporary)
        throw error
    }
}

func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written >= 0 else { throw FileError("write", path) }
        rest = rest.dropFirst(written)
    }
}

/// The text of a file, which may be one that the kernel makes up, such as those in `/proc`.
package func readText(_ path: String) throws -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("read", path) }
    defer { close(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError("read", path) }
        guard count > 0 else { return String(decoding: text, as: UTF8.self) }
        text += buffer[..<count]
    }
}

/// Makes a directory and those above it; one that is there already stays as it is.
package func makeDirectory(_ path: String, mode: UInt16 = 0o755) throws {
    if mkdir(path, 0o755) != 0 {
        switch errno {
        case EEXIST where isDirectory(path): return
        case ENOENT:
            guard let parent = FilePath(path).removingLastComponent().nonEmpty else { fallthrough }
            try makeDirectory(parent)
            return try makeDirectory(path, mode: mode)
        default: throw FileError("make the directory", path)
        }
    }
    guard chmod(path, mode_t(mode)) == 0 else { throw FileError("set the mode of", path) }
}

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

extension FilePath {
    fileprivate var nonEmpty: String? { isEmpty ? nil : string }
}

package func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
}

/// The last lines of a text file, as far as it can be read.
package func tail(of path: String, lines: Int = 20) -> String {
    let text = (try? readText(path)) ?? ""
    return text.split(whereSeparator: \.isNewline).suffix(lines).joined(separator: "\n")
}

extension String {
    /// Without blanks and line ends at both ends.
    package var trimmedLine: String {
        let isBlank = { (character: Character) in character.isWhitespace }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}

/// Removes a file; one that is gone already is fine.
package func removeFile(_ path: String) throws {
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("remove", path) }
}

/// Renames within one file system, replacing a file of that name.
package func renameFile(_ path: String, to newPath: String) throws {
    guard rename(path, newPath) == 0 else { throw FileError("rename \(path) to", newPath) }
}

/// The folder of a path, `.` for a plain file name.
package func parentDirectory(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
}

/// The last part of a path.
package func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

/// Free bytes for ordinary users on the file system that a path is on; `nil` where it cannot be asked.
package func freeBytes(on path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(status.f_bavail) * Int64(status.f_frsize)
}

import FoundationEssentials
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
package func writeAtomically(_ text: String, to path: String, mode: UInt16 = 0o644) throws {
    let temporary = "\(path).\(getpid()).tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(mode))
    guard file >= 0 else { throw FileError("write", path) }
    var bytes = Array(text.utf8)[...]
    var failure: Int32?
    while failure == nil, !bytes.isEmpty {
        let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        if written < 0 { failure = errno } else { bytes = bytes.dropFirst(written) }
    }
    if failure == nil, fsync(file) != 0 { failure = errno }
    close(file)
    if failure == nil, rename(temporary, path) != 0 { failure = errno }
    if let failure {
        unlink(temporary)
        throw FileError("write", path, code: failure)
    }
}

package func readText(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else { throw FileError("read", path) }
    return String(decoding: data, as: UTF8.self)
}

/// Makes a directory and those above it; one that is there already stays as it is.
package func makeDirectory(_ path: String, mode: UInt16 = 0o755) throws {
    guard !fileExists(path) else { return }
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        throw FileError("make the directory", path)
    }
    guard chmod(path, mode_t(mode)) == 0 else { throw FileError("set the mode of", path) }
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

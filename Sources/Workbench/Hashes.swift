import Digests
import Dispatch
import FoundationEssentials
import Glibc

/// A hash over all inputs of a result, such as a cache entry; the same inputs in the same order give the same hash.
package struct ContentHash: Sendable {
    private var state = SHA256()
    /// The digests of what was added, by label or path. They tell in what two hashes differ.
    package private(set) var parts: [String: String] = [:]

    package init() {}

    /// Adds a labeled value.
    package mutating func add(_ label: String, _ value: String) {
        parts[label] = sha256(ofText: value)
        update(label, value)
    }

    /// Adds everything that was added to another hash.
    package mutating func add(_ label: String, _ other: ContentHash) {
        update(label, other.hexDigest)
        parts.merge(other.parts) { $1 }
    }

    private mutating func update(_ label: String, _ value: String) {
        update(Array(label.utf8), Array(value.utf8))
    }

    /// Lengths are hashed too, so that moving a byte from one piece to the next changes the hash.
    private mutating func update(_ label: [UInt8], _ value: [UInt8]) {
        for bytes in [label, value] {
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { state.update(bufferPointer: $0) }
            state.update(data: bytes)
        }
    }

    /// Adds a file, or every file below a directory, with path, executable bit and content.
    ///
    /// Symbolic links are followed, because their targets are used; the link target is hashed too.
    /// - Parameter isIncluded: filter on the path relative to `path`; excluded directories are not entered. Names that
    ///   are not UTF-8 are as `RawPath` shows them.
    /// - Throws: `IrregularFile` for anything else: whoever reads a pipe waits for its other end.
    package mutating func addTree(_ path: String, where isIncluded: (String) -> Bool = { _ in true }) throws {
        try addEntry(RawPath(path), as: [], inside: [], isIncluded)
    }

    /// - Parameter above: the directories on the current path, so that a link to one of them is not followed again.
    private mutating func addEntry(
        _ path: RawPath, as name: [UInt8], inside above: [FileIdentity], _ isIncluded: (String) -> Bool
    ) throws {
        if let target = path.linkTarget {
            update(Array("link ".utf8) + name, target)
            parts["\(path) (link)"] = hexadecimal(SHA256.hash(data: target))
        }
        var status = stat()
        guard path.withCString({ stat($0, &status) }) == 0 else {
            // A dangling link is identified by its target.
            if errno == ENOENT, path.linkTarget != nil { return }
            throw FileError("read", "\(path)")
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            let identity = FileIdentity(device: status.st_dev, inode: status.st_ino)
            guard !above.contains(identity) else { return }
            for child in try path.names() {
                let childName = name.isEmpty ? child : name + [UInt8(ascii: "/")] + child
                guard isIncluded(RawPath.shown(childName)) else { continue }
                try addEntry(path.appending(child), as: childName, inside: above + [identity], isIncluded)
            }
        case S_IFREG:
            // The mode bits, not whether this user may run the file: the hash must be the same for all users.
            let (isExecutable, content) = (status.st_mode & 0o111 != 0, try sha256(of: path))
            update(Array("file".utf8), name)
            update("executable", "\(isExecutable)")
            update("content", content)
            parts["\(path)"] = content + (isExecutable ? " executable" : "")
        default: throw IrregularFile(path: "\(path)")
        }
    }

    package var hexDigest: String { hexadecimal(state.finalize()) }
}

private struct FileIdentity: Equatable {
    var device: dev_t
    var inode: ino_t
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// The SHA-256 of a file of any size.
package func sha256(of path: String) throws -> String { try sha256(of: RawPath(path)) }

package func sha256(of path: RawPath) throws -> String {
    var state = SHA256()
    try readPieces(of: path) { state.update(bufferPointer: $0) }
    return hexadecimal(state.finalize())
}

/// The MD5 of a file, to compare with what dpkg recorded.
package func md5(of path: String) throws -> String {
    var state = Insecure.MD5()
    try readPieces(of: RawPath(path)) { state.update(bufferPointer: $0) }
    return hexadecimal(state.finalize())
}

/// Reads a file of any size in pieces of 1 MiB.
private func readPieces(of path: RawPath, _ body: (UnsafeRawBufferPointer) -> Void) throws {
    let file = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else { throw FileError("read", "\(path)") }
    defer { close(file) }
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
        try Task.checkCancellation()
        let count = read(file, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileError("read", "\(path)") }
        guard count > 0 else { return }
        body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}

/// The SHA-256 of the UTF-8 bytes of a text.
package func sha256(ofText text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

/// The SHA-256 of a large file; reading a gigabyte blocks for seconds.
package func sha256InBackground(of path: String) async throws -> String {
    try await inBackground { try sha256(of: path) }
}

/// Runs work that blocks on a thread of its own: tasks share only as many threads as there are processors, and so does
/// work on a global queue.
package func inBackground<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "dss.background").async {
            continuation.resume(with: Result { try work() })
        }
    }
}

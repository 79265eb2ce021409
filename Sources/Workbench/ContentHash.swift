import Crypto
import FoundationEssentials

/// The hash of all that goes into something, fed piece by piece; the same pieces in the same order give the same key.
package struct ContentHash: Sendable {
    private var state = SHA256()

    package init() {}

    /// Lengths go in too, so that moving a byte from one piece to the next changes the hash.
    package mutating func add(_ label: String, _ value: String) {
        for piece in [label, value] {
            let bytes = Array(piece.utf8)
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { state.update(bufferPointer: $0) }
            state.update(data: bytes)
        }
    }

    /// Adds a file or every file below a directory: path, executable bit and content.
    /// - Parameter isIncluded: decides by the path relative to `path`; excluded directories are not entered.
    package mutating func addTree(_ path: String, where isIncluded: (String) -> Bool = { _ in true }) throws {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw FileError("read", path, code: 2)
        }
        guard isDirectory else { return try addFile(path, as: "") }
        try addDirectory(path, relative: "", isIncluded)
    }

    private mutating func addDirectory(_ path: String, relative: String, _ isIncluded: (String) -> Bool) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            let child = "\(path)/\(name)"
            let name = relative.isEmpty ? name : "\(relative)/\(name)"
            guard isIncluded(name) else { continue }
            var isDirectory = false
            _ = FileManager.default.fileExists(atPath: child, isDirectory: &isDirectory)
            if isDirectory { try addDirectory(child, relative: name, isIncluded) } else { try addFile(child, as: name) }
        }
    }

    private mutating func addFile(_ path: String, as name: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else { throw FileError("read", path) }
        add("file", name)
        add("executable", "\(FileManager.default.isExecutableFile(atPath: path))")
        add("content", hexadecimal(SHA256.hash(data: data)))
    }

    package var hexDigest: String { hexadecimal(state.finalize()) }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

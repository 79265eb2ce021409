import Glibc

/// A path as Linux has it: bytes, which need not be UTF-8. A `String` made of other bytes names no file.
package struct RawPath: Sendable, Hashable {
    private var bytes: [UInt8]

    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The path of an entry of this directory.
    package func appending(_ name: [UInt8]) -> RawPath {
        var path = self
        path.bytes += [UInt8(ascii: "/")] + name
        return path
    }

    /// Calls a function of the C library with the path.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBufferPointer { buffer in
            try buffer.withMemoryRebound(to: CChar.self) { try body($0.baseAddress!) }
        }
    }

    /// The names in a directory, in the order of their bytes.
    package func names() throws -> [[UInt8]] {
        guard let stream = withCString({ opendir($0) }) else { throw FileError("read", "\(self)") }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What is at the path itself, not where a symbolic link leads to.
    package func status() throws -> stat {
        var status = stat()
        guard withCString({ lstat($0, &status) }) == 0 else { throw FileError("read", "\(self)") }
        return status
    }

    package enum Kind: Sendable { case file, directory }

    /// What is at the path itself; `nil` for a link, a device, a pipe or a socket.
    package func kind() throws -> Kind? {
        switch try status().st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .directory
        default: nil
        }
    }

    /// Where a symbolic link leads to; `nil` if there is none.
    package var linkTarget: [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = withCString { readlink($0, &buffer, buffer.count) }
        return count < 0 ? nil : Array(buffer.prefix(count))
    }
}

extension RawPath: CustomStringConvertible {
    /// The path for a person.
    package var description: String { Self.shown(bytes) }

    /// A name for a person: bytes that are not UTF-8 are shown as `\xE9`.
    package static func shown(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var (text, rest) = ("", bytes[...])
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar):
                text.unicodeScalars.append(UTF8.decode(scalar))
                rest = rest.dropFirst(scalar.count)
            case .error(let length):
                text += rest.prefix(length).map { "\\x" + hexadecimal([$0]).uppercased() }.joined()
                rest = rest.dropFirst(length)
            case .emptyInput: return text
            }
        }
    }
}

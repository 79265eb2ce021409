import Glibc

/// A secret that is the first line of a file or of standard input.
///
/// A byte that nobody sees, such as the mark that editors put in front of a text, would become part of a password that
/// nobody can type.
package enum SecretLine {
    /// The bytes that are read. More is no secret, but another file or a device.
    package static let limit = 4096

    /// What is wrong with a secret, without the secret.
    package struct Mistake: Error, Sendable, Equatable {
        /// The end of a sentence that begins with the source of the secret.
        package var reason: String
    }

    /// - Throws: `FileError` if the file cannot be read, or `Mistake`.
    package static func read(_ path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError("read", path) }
        defer { close(file) }
        return try parse(bytes(of: file, path) { _ in false })
    }

    /// The first line of standard input, to which somebody may write more later.
    package static func standardInput() throws -> [UInt8] {
        try bytes(of: STDIN_FILENO, "standard input") { $0 == UInt8(ascii: "\n") }
    }

    /// Reads byte by byte, so that nothing after the last one is taken from whoever reads next.
    private static func bytes(
        of file: Int32, _ path: String, until isLast: (UInt8) -> Bool
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            var byte: UInt8 = 0
            let count = Glibc.read(file, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            guard count > 0 else { break }
            bytes.append(byte)
            if isLast(byte) { break }
        }
        return bytes
    }

    /// The first line without the mark of the byte order in front of it, and without the CR of CR LF.
    package static func parse(_ bytes: [UInt8]) throws(Mistake) -> String {
        guard bytes.count <= limit else { throw Mistake(reason: "has more than \(limit) bytes") }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        var line = bytes.dropFirst(isMarked ? 3 : 0).prefix { $0 != UInt8(ascii: "\n") }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard let text = String(validating: line, as: UTF8.self) else { throw Mistake(reason: "is not UTF-8 text") }
        if let reason = mistake(in: text) { throw Mistake(reason: reason) }
        return text
    }

    /// What is wrong with the characters of a secret, wherever it comes from.
    package static func mistake(in secret: String) -> String? {
        let scalars = secret.unicodeScalars
        if scalars.first == "\u{FEFF}" { return "begins with a byte order mark" }
        // Swift puts it in place of bytes that are not UTF-8, as in an environment variable.
        if scalars.contains("\u{FFFD}") { return "is not UTF-8 text" }
        let isControl = scalars.contains {
            [.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        return isControl ? "contains a control character" : nil
    }
}

import Glibc

/// Remembers beside a file which of its pieces have arrived: a first line that says of what, then number and checksum
/// of each. A help after a crash, never a need: what it says is checked against the bytes.
final class TransferJournal {
    let dataPath: String
    private let path: String
    private let stream: UnsafeMutablePointer<FILE>
    /// Checksums of the pieces that an earlier run has fetched of the same object.
    let known: [Int: String]

    /// - Parameter identity: what the object is; the pieces of another one are forgotten.
    init(beside file: String, of identity: String) throws {
        dataPath = "\(file).part"
        path = "\(file).part-journal"
        let old = access(dataPath, F_OK) == 0 ? Self.lines(of: path) : []
        let isSame = old.first == identity
        known = isSame ? Self.pieces(in: old.dropFirst()) : [:]
        guard let stream = fopen(path, isSame ? "ae" : "we") else { throw TransferFileError("write", path) }
        self.stream = stream
        // A last line that was cut off by a crash must not run into the next.
        try put(isSame ? "" : identity)
    }

    deinit { fclose(stream) }

    /// Removes what an earlier run has fetched of something else: a file with holes would show it through them.
    static func forget(beside file: String, unless identity: String) throws {
        guard lines(of: "\(file).part-journal").first != identity else { return }
        guard unlink("\(file).part") == 0 || errno == ENOENT else { throw TransferFileError("remove", "\(file).part") }
    }

    /// Removes what a run has left that did not come to its end.
    static func abandon(beside file: String) {
        unlink("\(file).part")
        unlink("\(file).part-journal")
    }

    func add(_ piece: Int, _ checksum: String) throws { try put("\(piece) \(checksum)") }

    /// Gives the file its name, when all of it is there and right.
    func finish(_ target: TransferFile, as file: String) throws {
        try target.synchronize()
        guard rename(dataPath, file) == 0 else { throw TransferFileError("write", file) }
        remove()
    }

    func remove() { unlink(path) }

    private func put(_ line: String) throws {
        guard fputs(line + "\n", stream) >= 0, fflush(stream) == 0 else { throw TransferFileError("write", path) }
    }

    private static func pieces(in lines: ArraySlice<String>) -> [Int: String] {
        var pieces: [Int: String] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[0]) { pieces[number] = String(words[1]) }
        }
        return pieces
    }

    private static func lines(of path: String) -> [String] {
        guard let stream = fopen(path, "re") else { return [] }
        defer { fclose(stream) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { text += buffer[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

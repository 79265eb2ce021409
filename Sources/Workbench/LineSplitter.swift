/// Cuts a stream of bytes into lines as they come.
///
/// A line ends with LF, CR or CR LF, and with nothing else: U+2028 and its like stand inside JSON. A line that ends
/// with CR is handed on at once, without a look at what follows, because a progress display prints nothing after it.
struct LineSplitter {
    private var unfinished: [UInt8] = []
    private var lastWasReturn = false

    /// - Returns: the lines that these bytes complete, without their ends.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            defer { lastWasReturn = byte == 0x0D }
            switch byte {
            case 0x0A where lastWasReturn: continue
            case 0x0A, 0x0D: lines.append(flush())
            default: unfinished.append(byte)
            }
        }
        return lines
    }

    /// - Returns: the line that the end of the stream completes.
    mutating func finish() -> String? {
        unfinished.isEmpty ? nil : flush()
    }

    private mutating func flush() -> String {
        defer { unfinished.removeAll(keepingCapacity: true) }
        return String(decoding: unfinished, as: UTF8.self)
    }
}

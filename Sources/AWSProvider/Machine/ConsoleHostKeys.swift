import FoundationEssentials

/// The host keys that cloud-init writes to the console of a machine, which AWS shows to its owner alone: by them the
/// machine is known before anybody talks to it.
/// Source: <https://cloudinit.readthedocs.io/en/latest/reference/modules.html> (Keys to Console)
struct ConsoleHostKeys: Sendable, Equatable {
    /// Type and key. Empty as long as the console does not show the whole list.
    let keys: Set<String>

    /// - Parameter console: what else writes to it may stand between the lines, or break one, which is left out then.
    init(_ console: String) {
        let lines = console.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix { $0.isWhitespace } }
        guard let begin = lines.lastIndex(where: { $0.hasPrefix("-----BEGIN SSH HOST KEY KEYS-----") }),
            let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END SSH HOST KEY KEYS-----") })
        else {
            keys = []
            return
        }
        keys = Set(lines[begin..<end].compactMap(Self.key))
    }

    /// A key's own bytes begin with the length and the name of its type.
    private static func key(_ line: Substring) -> String? {
        let words = line.split(separator: " ")
        guard words.count >= 2, let bytes = Data(base64Encoded: String(words[1])) else { return nil }
        let type = Array(words[0].utf8)
        guard bytes.count > type.count + 4, Array(bytes.dropFirst(4).prefix(type.count)) == type else { return nil }
        return "\(words[0]) \(words[1])"
    }
}

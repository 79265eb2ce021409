import Workbench

/// What of the host's pip configuration holds in a machine too: where packages are, not where files of the host lie.
struct PipSettings: Sendable, Equatable {
    var values: [String: String] = [:]

    private static let taken = ["index-url", "extra-index-url", "trusted-host", "proxy"]

    /// - Parameter configurations: contents of pip.conf files, the strongest last.
    init(configurations: [String], environment: [String: String]) {
        for text in configurations { read(text) }
        for name in Self.taken {
            let variable = "PIP_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
            if let value = environment[variable], !value.isEmpty { values[name] = value }
        }
    }

    /// The sections `global` and `install`; values may go on in indented lines.
    private mutating func read(_ text: String) {
        var section = ""
        var last: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let content = String(line).trimmedLine
            guard !content.isEmpty, !content.hasPrefix("#"), !content.hasPrefix(";") else { continue }
            if content.hasPrefix("[") {
                section = content.filter { $0 != "[" && $0 != "]" }
                last = nil
            } else if line.first!.isWhitespace, let name = last {
                values[name] = [values[name] ?? "", content].filter { !$0.isEmpty }.joined(separator: " ")
            } else if let separator = content.firstIndex(where: { "=:".contains($0) }) {
                let name = String(content[..<separator]).trimmedLine.lowercased().map { $0 == "_" ? "-" : $0 }
                last = nil
                guard ["global", "install"].contains(section), Self.taken.contains(String(name)) else { continue }
                last = String(name)
                values[last!] = String(content[content.index(after: separator)...]).trimmedLine
            }
        }
    }

    /// The `pip.conf` of the machine.
    func text(certificates: String?) -> String {
        (["[global]"] + (certificates.map { ["cert = \($0)"] } ?? [])
            + values.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }).joined(separator: "\n") + "\n"
    }
}

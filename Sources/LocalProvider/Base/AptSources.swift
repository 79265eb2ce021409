import Sandbox
import Workbench

/// An entry of apt's sources, reduced to the fields that an image needs.
struct AptSource: Sendable, Equatable {
    var uris: [String]
    var suites: [String]
    var components: [String]
    /// Path of the keyring, if the entry names one.
    var signedBy: String?
    var architectures: [String] = []
    /// Options of the host that hold while the base system is built, and not in the image: `Trusted`, `Check-Valid-Until`.
    var hostOptions: [String: String] = [:]

    /// Names of the options about the age and the signature of an archive, in lower case: sources.list(5).
    private static let hostOptionNames: Set = [
        "trusted", "check-valid-until", "valid-until-min", "valid-until-max", "check-date", "date-max-future",
        "allow-insecure", "allow-weak", "allow-downgrade-to-insecure", "by-hash",
    ]

    /// The options in a set of lower-case fields.
    private static func hostOptions(_ fields: [String: String]) -> [String: String] {
        fields.filter { hostOptionNames.contains($0.key) }
    }

    /// The entry in apt's deb822 format, for a build.
    /// - Parameter isThere: whether a keyring exists on the system that will read the text.
    func text(keyrings isThere: (String) -> Bool) -> String {
        var lines = [
            "Types: deb", "URIs: \(uris.joined(separator: " "))", "Suites: \(suites.joined(separator: " "))",
            "Components: \(components.joined(separator: " "))",
        ]
        if let signedBy, isThere(signedBy) { lines.append("Signed-By: \(signedBy)") }
        lines += hostOptions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The entry in apt's one-line format.
    /// - Parameter isThere: whether a keyring exists on the system that will read the lines.
    func lines(keyrings isThere: (String) -> Bool) -> String {
        let key = signedBy.flatMap { isThere($0) ? ["signed-by=\($0)"] : nil } ?? []
        let options = key + hostOptions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let start = (["deb"] + (options.isEmpty ? [] : ["[\(options.joined(separator: " "))]"])).joined(separator: " ")
        return uris.flatMap { uri in
            suites.map { "\(start) \(uri) \($0) \(components.joined(separator: " "))\n" }
        }.joined()
    }

    /// Parses a file in the format given by its name: `*.sources` is deb822, any other has one entry per line.
    static func parse(_ text: String, file: String) -> [AptSource] {
        file.hasSuffix(".sources") ? parseDeb822(text) : text.split(whereSeparator: \.isNewline).compactMap(parseLine)
    }

    /// `deb [signed-by=…] URI suite component…`
    private static func parseLine(_ line: Substring) -> AptSource? {
        var text = String(line.prefix { $0 != "#" }).trimmedLine
        guard text.hasPrefix("deb ") || text.hasPrefix("deb\t") || text.hasPrefix("deb[") else { return nil }
        text = String(text.dropFirst(3)).trimmedLine
        var options: [String: String] = [:]
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            for option in text[text.index(after: text.startIndex)..<end].split(separator: " ") {
                let parts = option.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { options[parts[0].lowercased()] = String(parts[1]) }
            }
            text = String(text[text.index(after: end)...]).trimmedLine
        }
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count >= 2 else { return nil }
        return AptSource(
            uris: [words[0]], suites: [words[1]], components: Array(words.dropFirst(2)),
            signedBy: options["signed-by"], architectures: list(options["arch"], separator: ","),
            hostOptions: hostOptions(options))
    }

    private static func parseDeb822(_ text: String) -> [AptSource] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("#") }
        return lines.split(whereSeparator: { $0.allSatisfy(\.isWhitespace) }).compactMap { stanza in
            var fields: [String: String] = [:]
            var last: String?
            for line in stanza {
                if line.first?.isWhitespace == true {
                    if let last { fields[last, default: ""] += "\n" + String(line).trimmedLine }
                } else if let colon = line.firstIndex(of: ":") {
                    last = line[..<colon].lowercased()
                    fields[last!] = String(line[line.index(after: colon)...]).trimmedLine
                }
            }
            guard list(fields["types"]).contains("deb"), fields["enabled"]?.lowercased() != "no",
                fields["enabled"]?.lowercased() != "false"
            else { return nil }
            return AptSource(
                uris: list(fields["uris"]), suites: list(fields["suites"]), components: list(fields["components"]),
                signedBy: fields["signed-by"].flatMap { $0.isEmpty ? nil : $0 },
                architectures: list(fields["architectures"]), hostOptions: hostOptions(fields))
        }
    }

    private static func list(_ text: String?, separator: Character? = nil) -> [String] {
        (text ?? "").split { $0.isWhitespace || $0 == separator }.map(String.init)
    }
}

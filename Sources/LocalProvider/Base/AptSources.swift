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

    /// The entry in apt's deb822 format.
    /// - Parameters:
    ///   - keyrings: whether a keyring exists on the system that will read the text.
    ///   - isForBuild: whether to include the options of the host.
    func text(keyrings isThere: (String) -> Bool, isForBuild: Bool = false) -> String {
        var lines = [
            "Types: deb", "URIs: \(uris.joined(separator: " "))", "Suites: \(suites.joined(separator: " "))",
            "Components: \(components.joined(separator: " "))",
        ]
        if let signedBy, isThere(signedBy) { lines.append("Signed-By: \(signedBy)") }
        if isForBuild { lines += hostOptions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } }
        return lines.joined(separator: "\n") + "\n"
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

extension SandboxDefinition.BaseSystem.Distribution {
    /// The components of the archive; most third-party sources have different ones.
    fileprivate var components: Set<String> {
        switch self {
        case .debian: ["main", "contrib", "non-free", "non-free-firmware"]
        case .ubuntu: ["main", "restricted", "universe", "multiverse"]
        }
    }

    fileprivate var pockets: [String] { ["", "-updates", "-security", "-backports"] }

    /// Path of the keyring installed by the distribution's keyring package.
    var keyring: String { "/usr/share/keyrings/\(rawValue)-archive-keyring.gpg" }
}

extension SandboxDefinition.BaseSystem {
    /// The host's sources that belong to this distribution and suite; empty if they do not include the suite itself.
    ///
    /// A third-party source may use the same suite and component names. Therefore an entry must also be signed by the
    /// distribution's keyring or, if it names no keyring, have the distribution's name in the path of its URI.
    func ownSources(in host: [String: String]) -> [AptSource] {
        let own = host.keys.sorted().flatMap { AptSource.parse(host[$0]!, file: $0) }.compactMap { entry in
            var entry = entry
            entry.suites = entry.suites.filter { name in distribution.pockets.contains { suite + $0 == name } }
            entry.uris = entry.uris.flatMap { mirrors($0, host) }.filter { uri in
                !["cdrom:", "file:", "copy:"].contains(where: uri.hasPrefix)
            }
            let isForUs = entry.architectures.isEmpty || entry.architectures.contains(architecture.rawValue)
            return isForUs && !entry.suites.isEmpty && !entry.uris.isEmpty && isOwn(entry) ? entry : nil
        }
        return own.contains { $0.suites.contains(suite) } ? own : []
    }

    private func isOwn(_ entry: AptSource) -> Bool {
        guard !entry.components.isEmpty, entry.components.allSatisfy(distribution.components.contains) else {
            return false
        }
        if let key = entry.signedBy {
            return key.split(separator: "/").last?.hasPrefix("\(distribution.rawValue)-archive-") == true
        }
        let places = [distribution.rawValue, "\(distribution.rawValue)-security", "\(distribution.rawValue)-ports"]
        return entry.uris.allSatisfy { $0.split(separator: "/").contains { places.contains(String($0)) } }
    }

    /// Resolves a mirror list: cloud images name a file with mirrors instead of a mirror.
    private func mirrors(_ uri: String, _ host: [String: String]) -> [String] {
        let prefix = ["mirror+file://", "mirror+file:"].first(where: uri.hasPrefix)
        guard let prefix, let list = host[String(uri.dropFirst(prefix.count))] else { return [uri] }
        return list.split(whereSeparator: \.isNewline).compactMap { line in
            line.hasPrefix("#") ? nil : line.split(whereSeparator: \.isWhitespace).first.map(String.init)
        }
    }

    /// The sources to install packages from; `nil` leaves the choice of the mirror to mmdebstrap.
    func sources(host: [String: String]) -> [AptSource]? {
        if mirror == "host" {
            let own = ownSources(in: host)
            return own.isEmpty ? nil : own
        }
        return [
            AptSource(
                uris: [mirror], suites: [suite, "\(suite)-updates"],
                components: distribution == .debian ? ["main"] : ["main", "universe"],
                signedBy: distribution.keyring)
        ]
    }
}

import Sandbox

/// Where an image is kept: `[HOST[:PORT]/]ORG/REPO`, without a tag; without a host it is Docker Hub.
package struct ImageRepository: Sendable, Equatable, CustomStringConvertible {
    /// `nil` is Docker Hub.
    package let host: String?
    package let path: String

    package var description: String { host.map { "\($0)/\(path)" } ?? path }

    /// - Throws: `Failure(.usage)` for what no registry would take (OCI distribution specification, "Pulling manifests").
    package init(_ text: String) throws {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // As Docker tells a host from an organization.
        let isHost = parts.count > 1 && (parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost")
        host = isHost ? parts.removeFirst() : nil
        path = parts.joined(separator: "/")
        guard !parts.isEmpty, parts.allSatisfy({ $0.wholeMatch(of: Self.component) != nil }), !(host ?? "x").isEmpty
        else {
            throw Failure(
                .usage, "'\(text)' is no repository of a registry",
                advice:
                    "it is [HOST[:PORT]/]ORG/REPO in lower case and without a tag, for example exasol/data-science-sandbox"
            )
        }
    }

    nonisolated(unsafe) private static let component = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/

    /// Docker speaks plain HTTP with registries on this machine, and with no others.
    var isOnThisMachine: Bool {
        guard let host else { return false }
        let name = host.hasPrefix("[") ? "[::1]" : String(host.prefix { $0 != ":" })
        return name == "localhost" || name == "[::1]" && host.hasPrefix("[::1]") || name.hasPrefix("127.")
    }

    /// The key of its registry in Docker's configuration.
    var credentialsKey: String { host ?? "https://index.docker.io/v1/" }

    package func reference(_ tag: String) -> String { "\(self):\(tag)" }

    /// As skopeo takes it: with the name of Docker Hub.
    func location(_ tag: String) -> String { "docker://\(host ?? "docker.io")/\(path):\(tag)" }

    /// - Throws: `Failure(.usage)` for what is no tag.
    package static func check(tag: String) throws {
        guard tag.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/) != nil else {
            throw Failure(
                .usage, "'\(tag)' cannot be the version of a Docker image",
                advice: "letters, digits, dots, dashes and underscores, at most 128, are allowed: --version 1.0.0")
        }
    }
}

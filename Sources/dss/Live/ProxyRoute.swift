import AWSCore
import Glibc
import HTTPTransport
import Sandbox
import Workbench

/// Sends HTTPS requests through the proxy in the environment, and everything else directly.
///
/// Plain HTTP is used only for nearby endpoints: the instance metadata service, a container's agent, an emulator. A
/// proxy would query its own metadata service and return its own credentials.
struct ProxyRoute: Transport {
    let direct: any Transport
    let proxied: any Transport
    let exceptions: Exceptions

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let isDirect = request.endpoint.scheme == "http" || exceptions.cover(request.endpoint)
        return try await (isDirect ? direct : proxied).send(request, within: limit)
    }

    /// The proxy in the environment; `nil` if there is none. As for curl, the lower-case variable comes first, and
    /// `ALL_PROXY` holds if there is none for HTTPS. Without a port it is 80, as for the AWS CLI; curl's 1080 is that of
    /// SOCKS.
    ///
    /// No error shows the value, because it may contain a password.
    static func proxy(in environment: [String: String]) -> Result<HTTPSettings.Proxy, Failure>? {
        let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        guard let name = names.first(where: { environment[$0]?.isEmpty == false }), let value = environment[name]
        else { return nil }
        let parts = value.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let scheme = parts.count == 2 ? parts[0].lowercased() : "http"
        guard scheme == "http" else {
            return .failure(
                Failure(
                    .usage, "\(name) names a proxy of a kind that is not supported; only http:// is",
                    advice: "name an HTTP proxy, which passes on encrypted connections, or list the host in NO_PROXY"))
        }
        // A password may contain an `@` that is not encoded.
        let (user, server) = parts.last!.splitAtLast("@")
        let login = user.map { $0.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) }
        let words = login?.map(percentDecoded) ?? []
        guard let endpoint = Endpoint(url: "http://\(server)", signingRegion: ""), !words.contains(nil) else {
            return .failure(
                Failure(
                    .usage, "\(name) is not a URL such as http://proxy.example.com:3128",
                    advice: "encode special characters of a user or password, for example % as %25"))
        }
        return .success(
            HTTPSettings.Proxy(
                host: endpoint.plainHost, port: endpoint.port ?? 80,
                login: words.first.flatMap { $0 }.map { ($0, words.count == 2 ? words[1] ?? "" : "") }))
    }
}

/// Sends nothing; only a caller that needs it gets the failure.
struct NoTransport: Transport {
    let failure: Failure

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse { throw failure }
}

extension ProxyRoute {
    /// The hosts in NO_PROXY, which need no proxy: names with their subdomains, addresses, networks, each with or
    /// without a port, or `*`, as curl and Python's requests understand them.
    struct Exceptions: Sendable {
        private enum Rule {
            case all
            case name(String, port: Int?)
            case network([UInt8], bits: Int)
        }
        private let rules: [Rule]

        init(_ list: String) {
            rules = list.lowercased().split { $0 == "," || $0.isWhitespace }.compactMap(Self.rule)
        }

        func cover(_ endpoint: Endpoint) -> Bool {
            let port = endpoint.port ?? (endpoint.scheme == "https" ? 443 : 80)
            let host = Self.plain(endpoint.plainHost.lowercased())
            let address = Self.address(host)
            return rules.contains { rule in
                switch rule {
                case .all: true
                case .name(let name, let only):
                    [nil, port].contains(only) && (host == name || address == nil && host.hasSuffix("." + name))
                case .network(let bytes, let bits):
                    address.map { $0.count == bytes.count && Self.agree($0, bytes, bits: bits) } ?? false
                }
            }
        }

        private static func rule(_ entry: Substring) -> Rule? {
            if entry == "*" { return .all }
            let (network, bits) = entry.splitAtLast("/")
            if let network, let bytes = address(String(network)), let bits = Int(bits), (0...bytes.count * 8) ~= bits {
                return .network(bytes, bits: bits)
            }
            // Without brackets, the colons of an IPv6 address are no port.
            let match = entry.wholeMatch(of: /(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?/)
            let name = plain(String(match.flatMap { $0.1 ?? $0.2 } ?? entry))
            return name.isEmpty ? nil : .name(name, port: match?.3.flatMap { Int($0) })
        }

        /// A name without the dot in front, which some programs require, and the dot of an absolute name.
        private static func plain(_ name: String) -> String {
            let rest = name.hasPrefix("*.") ? name.dropFirst(2) : name.drop { $0 == "." }
            return String(rest.hasSuffix(".") ? rest.dropLast() : rest)
        }

        private static func address(_ text: String) -> [UInt8]? {
            for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
                var bytes = [UInt8](repeating: 0, count: count)
                if inet_pton(family, text, &bytes) == 1 { return bytes }
            }
            return nil
        }

        /// Whether the first bits of two addresses are equal.
        private static func agree(_ first: [UInt8], _ second: [UInt8], bits: Int) -> Bool {
            zip(first, second).enumerated().allSatisfy { index, pair in
                let count = min(max(bits - index * 8, 0), 8)
                return (pair.0 ^ pair.1) & UInt8(truncatingIfNeeded: 0xFF00 >> count) == 0
            }
        }
    }
}

extension Endpoint {
    /// The host without the brackets that an IPv6 address has in a URL.
    fileprivate var plainHost: String { host.filter { $0 != "[" && $0 != "]" } }
}

extension Substring {
    /// What is before the last `separator`, if there is one, and what is after it.
    fileprivate func splitAtLast(_ separator: Character) -> (before: Substring?, after: Substring) {
        guard let place = lastIndex(of: separator) else { return (nil, self) }
        return (self[..<place], self[index(after: place)...])
    }
}

import AWSCore
import FoundationEssentials
import Glibc
import HTTPTransport
import Sandbox
import Workbench

/// Makes connections to servers.
protocol Network: Sendable {
    /// Runs `body` with a transport, and closes its connections afterwards.
    func withTransport<Result>(
        _ settings: HTTPSettings, _ body: (any Transport) async throws -> Result
    ) async throws -> Result
}

/// The real network.
struct Internet: Network {
    func withTransport<Result>(
        _ settings: HTTPSettings, _ body: (any Transport) async throws -> Result
    ) async throws -> Result {
        try await withHTTPTransport(settings) { try await body($0) }
    }
}

extension Live {
    /// Whether the resolver knows a host. Behind a proxy, which resolves names itself, every host may exist.
    @Sendable func hostExists(_ name: String) async -> Bool {
        guard (variable("HTTPS_PROXY") ?? variable("https_proxy")) == nil else { return true }
        let error = try? await inBackground {
            var addresses: UnsafeMutablePointer<addrinfo>?
            defer { addresses.map(freeaddrinfo) }
            return getaddrinfo(name, nil, nil, &addresses)
        }
        return error == 0
    }

    /// Runs `body` with a transport that uses the certificates and the proxy in the environment.
    func withTransport<Result>(_ body: (any Transport) async throws -> Result) async throws -> Result {
        let certificates = variable("AWS_CA_BUNDLE")
        if let certificates, !fileExists(certificates) {
            throw Failure(.badData, "file \(certificates) (AWS_CA_BUNDLE) does not exist")
        }
        var settings = HTTPSettings(certificates: certificates)
        return try await network.withTransport(settings) { direct in
            guard let proxy = try ProxyRoute.proxy(in: environment) else { return try await body(direct) }
            settings.proxy = proxy
            let exceptions = ProxyRoute.Exceptions(environment["NO_PROXY"] ?? environment["no_proxy"] ?? "")
            return try await network.withTransport(settings) { proxied in
                try await body(ProxyRoute(direct: direct, proxied: proxied, exceptions: exceptions))
            }
        }
    }
}

/// Sends HTTPS requests through the proxy in HTTPS_PROXY, and everything else directly.
///
/// Plain HTTP is used only for nearby endpoints: the instance metadata service, a container's agent, an emulator. A
/// proxy would query its own metadata service and return its own credentials.
struct ProxyRoute: Transport {
    let direct: any Transport
    let proxied: any Transport
    let exceptions: Exceptions

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let isDirect = request.endpoint.scheme == "http" || exceptions.cover(request.endpoint.host)
        return try await (isDirect ? direct : proxied).send(request, within: limit)
    }

    /// The hosts in NO_PROXY: domain names including their subdomains, or `*`.
    struct Exceptions: Sendable {
        private let names: [String]

        init(_ list: String) {
            names = list.split(separator: ",").map { entry in
                String(entry.filter { !$0.isWhitespace }.drop { $0 == "." }).lowercased()
            }.filter { !$0.isEmpty }
        }

        func cover(_ host: String) -> Bool {
            let host = host.lowercased()
            return names.contains { $0 == "*" || host == $0 || host.hasSuffix("." + $0) }
        }
    }

    /// Host and port of the proxy in the environment; `nil` if there is none.
    static func proxy(in environment: [String: String]) throws -> (host: String, port: Int)? {
        guard let name = ["HTTPS_PROXY", "https_proxy"].first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[name]
        else { return nil }
        // The error does not show the value, because it may contain a password.
        let url = value.contains("://") ? value : "http://\(value)"
        guard let endpoint = Endpoint(url: url, signingRegion: ""), endpoint.scheme == "http" else {
            throw Failure(.usage, "\(name) is not a URL such as http://proxy.example.com:3128")
        }
        return (endpoint.host, endpoint.port ?? 80)
    }
}

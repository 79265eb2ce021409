import AWSCore
import AWSIdentity
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
        guard ProxyRoute.proxy(in: environment) == nil else { return true }
        let error = try? await inBackground {
            var addresses: UnsafeMutablePointer<addrinfo>?
            defer { addresses.map(freeaddrinfo) }
            return getaddrinfo(name, nil, nil, &addresses)
        }
        return error == 0
    }

    /// Runs `body` with a transport that uses the certificates and the proxy in the environment.
    /// - Parameter certificates: a file with CA certificates; `AWS_CA_BUNDLE` takes precedence.
    func withTransport<Result>(
        certificates: Setting? = nil, _ body: (any Transport) async throws -> Result
    ) async throws -> Result {
        let named = variable("AWS_CA_BUNDLE").map { Setting($0, origin: "AWS_CA_BUNDLE") } ?? certificates
        var settings = HTTPSettings(certificates: try named.map(checked))
        return try await network.withTransport(settings) { direct in
            let exceptions = ProxyRoute.Exceptions(variable("no_proxy") ?? variable("NO_PROXY") ?? "")
            switch ProxyRoute.proxy(in: environment) {
            case nil: return try await body(direct)
            case .failure(let failure):
                let proxied = NoTransport(failure: failure)
                return try await body(ProxyRoute(direct: direct, proxied: proxied, exceptions: exceptions))
            case .success(let proxy):
                settings.proxy = proxy
                return try await network.withTransport(settings) { proxied in
                    try await body(ProxyRoute(direct: direct, proxied: proxied, exceptions: exceptions))
                }
            }
        }
    }

    /// The absolute path of a file with CA certificates.
    private func checked(_ file: Setting) throws -> String {
        let path = absolute(file.value)
        let reason =
            switch FileKind(of: path) {
            case nil: "does not exist"
            case .directory: "is a directory, but a file is required"
            default: HTTPSettings.hasCertificates(path) ? nil as String? : "contains no CA certificate in PEM format"
            }
        guard let reason else { return path }
        throw Failure(.badData, "\(path) (\(file.origin)) \(reason)")
    }
}

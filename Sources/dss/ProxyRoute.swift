import AWSCore
import Sandbox

/// Sends what goes to AWS through the proxy of HTTPS_PROXY, and all else directly.
///
/// Plain http is spoken only to what is near: the instance's metadata, a container's agent, an emulator. A proxy would
/// ask its own metadata service, and get its own credentials.
struct ProxyRoute: Transport {
    let direct: any Transport
    let proxied: any Transport
    let exceptions: Exceptions

    func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        let isDirect = request.endpoint.scheme == "http" || exceptions.cover(request.endpoint.host)
        return try await (isDirect ? direct : proxied).send(request, within: limit)
    }

    /// The hosts of NO_PROXY: names with all names below them, or `*`.
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

    /// Host and port of the proxy in the environment; `nil` where there is none.
    static func proxy(in environment: [String: String]) throws -> (host: String, port: Int)? {
        guard let name = ["HTTPS_PROXY", "https_proxy"].first(where: { environment[$0]?.isEmpty == false }),
            let value = environment[name]
        else { return nil }
        // The value itself is not shown: there may be a password in it.
        let url = value.contains("://") ? value : "http://\(value)"
        guard let endpoint = Endpoint(url: url, signingRegion: ""), endpoint.scheme == "http" else {
            throw Failure(.usage, "\(name) is not an address such as http://proxy.example.com:3128")
        }
        return (endpoint.host, endpoint.port ?? 80)
    }
}

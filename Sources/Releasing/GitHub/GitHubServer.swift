import AWSCore
import FoundationEssentials
import Sandbox

/// Where GitHub's API is: github.com, or an Enterprise server by its URL.
package struct GitHubServer: Sendable, Equatable {
    package static let standard = "https://api.github.com"

    let endpoint: Endpoint

    /// - Parameter url: such as `https://github.example.com/api/v3`.
    /// - Throws: `Failure` where a token must not be sent there.
    package init(url: String) throws {
        guard let endpoint = Endpoint(url: url, signingRegion: "") else {
            throw Failure(
                .usage, "'\(url)' is not the URL of a GitHub API",
                advice: "an Enterprise server's is https://HOST/api/v3")
        }
        guard endpoint.scheme == "https" || ["127.0.0.1", "localhost", "[::1]"].contains(endpoint.host) else {
            throw Failure(
                .usage, "\(url) is not encrypted: the token would be readable on its way",
                advice: "begin it with https://")
        }
        self.endpoint = endpoint
    }

    /// A request for an address that an answer names, such as that of the next page.
    /// - Returns: `nil` where it is not on this server: the token goes nowhere else.
    func request(_ method: HTTPRequest.Method, for address: String) -> HTTPRequest? {
        guard let parts = URLComponents(string: address), parts.user == nil else { return nil }
        if let host = parts.host {
            let port = parts.port == (endpoint.scheme == "https" ? 443 : 80) ? nil : parts.port
            guard parts.scheme == endpoint.scheme, host.lowercased() == endpoint.host.lowercased(),
                port == endpoint.port
            else { return nil }
        }
        let path = parts.percentEncodedPath
        guard path.hasPrefix(endpoint.basePath + "/") else { return nil }
        let query = (parts.queryItems ?? []).map { HTTPRequest.Pair($0.name, $0.value ?? "") }
        return HTTPRequest(method, endpoint, path: String(path.dropFirst(endpoint.basePath.count)), query: query)
    }
}

/// Where a service is reached, and which region its requests are signed for.
package struct Endpoint: Sendable, Hashable {
    package var scheme: String
    package var host: String
    /// `nil` for the scheme's own port, which then stands in no header either.
    package var port: Int?
    /// Put before every path; empty for AWS itself.
    package var basePath: String
    package var signingRegion: String
    /// Given by the user: an emulator or a gateway, where a bucket cannot be a part of the host's name.
    package var isCustom: Bool

    package init(
        scheme: String = "https", host: String, port: Int? = nil, basePath: String = "", signingRegion: String,
        isCustom: Bool = false
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.basePath = basePath
        self.signingRegion = signingRegion
        self.isCustom = isCustom
    }

    /// The `Host` header's value.
    package var authority: String { port.map { "\(host):\($0)" } ?? host }

    /// Reads a URL as it stands in `AWS_ENDPOINT_URL`: `http://127.0.0.1:5000`.
    /// - Returns: `nil` where it is not an HTTP URL with a host.
    package init?(url: String, signingRegion: String) {
        guard
            let match = url.wholeMatch(
                of: /(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^\/:?#@\s]+)(?::([0-9]{1,5}))?(\/[^?#\s]*)?/)
        else { return nil }
        let scheme = String(match.1)
        let port = match.3.flatMap { Int($0) }
        guard port.map({ (1...65535).contains($0) }) ?? true else { return nil }
        let path = match.4.map(String.init) ?? ""
        self.init(
            scheme: scheme, host: String(match.2), port: port == (scheme == "https" ? 443 : 80) ? nil : port,
            basePath: path.hasSuffix("/") ? String(path.dropLast()) : path, signingRegion: signingRegion,
            isCustom: true)
    }
}

import AWSCore
import AsyncHTTPClient
import NIOCore
import NIOSSL

/// How connections are made: time limits, proxy, and whom to trust.
package struct HTTPSettings: Sendable {
    /// Until a connection, with TLS, stands.
    package var connectTimeout: Duration
    /// Until the first piece of an answer, and between two of them.
    package var silenceTimeout: Duration
    /// Host and port of an HTTP proxy, from `HTTPS_PROXY`.
    package var proxy: (host: String, port: Int)?
    /// A PEM file with the certificates to trust instead of the system's, from `AWS_CA_BUNDLE`.
    package var certificates: String?

    package init(
        connectTimeout: Duration = .seconds(5), silenceTimeout: Duration = .seconds(60),
        proxy: (host: String, port: Int)? = nil, certificates: String? = nil
    ) {
        self.connectTimeout = connectTimeout
        self.silenceTimeout = silenceTimeout
        self.proxy = proxy
        self.certificates = certificates
    }

    /// HTTP/1.1 as AWS's SDKs use it. Nothing is followed or repeated here: signatures belong to one host and one
    /// attempt. Idle connections are dropped before the other side drops them, since a request that goes into a closed
    /// connection counts as lost.
    func configuration() throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: amount(connectTimeout), read: amount(silenceTimeout)),
            proxy: proxy.map { .server(host: $0.host, port: $0.port) }, decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.idleTimeout = .seconds(4)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        configuration.connectionPool.retryConnectionEstablishment = false
        if let certificates {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(certificates)
            configuration.tlsConfiguration = tls
        }
        return configuration
    }

    private func amount(_ duration: Duration) -> TimeAmount {
        .milliseconds(duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000)
    }
}

import AWSCore
import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Runs `body` with a transport based on async-http-client, and closes its connections afterwards.
package func withHTTPTransport<Result>(
    _ settings: HTTPSettings = .init(), _ body: (HTTPTransport) async throws -> Result
) async throws -> Result {
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try settings.configuration())
    do {
        let result = try await body(HTTPTransport(client: client))
        try await client.shutdown()
        return result
    } catch {
        try? await client.shutdown()
        throw error
    }
}

/// Sends requests with async-http-client. No other file depends on that library.
package struct HTTPTransport: Transport {
    fileprivate let client: HTTPClient

    package func send(_ request: HTTPRequest, within limit: Duration) async throws -> HTTPResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        outgoing.headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        if !request.body.isEmpty { outgoing.body = .bytes(request.body) }
        do {
            let response = try await client.execute(outgoing, timeout: TimeAmount(limit))
            return HTTPResponse(
                status: Int(response.status.code),
                headers: response.headers.map { HTTPRequest.Pair($0.name, $0.value) },
                body: try await collect(response, of: request))
        } catch {
            try Task.checkCancellation()
            throw TransportError(error, to: request.endpoint.authority)
        }
    }

    /// The largest body of a redirect or an error, which says little more than why.
    private static let errorLimit = 1 << 20

    /// - Throws: `TransportError` if the body is shorter than its `Content-Length`, or larger than its limit.
    private func collect(_ response: HTTPClientResponse, of request: HTTPRequest) async throws -> [UInt8] {
        let isSuccess = (200..<300).contains(response.status.code)
        let limit = isSuccess ? request.responseLimit : min(request.responseLimit, Self.errorLimit)
        let length =
            request.method == .head ? 0 : response.headers.first(name: "content-length").flatMap { Int($0) }
        guard length ?? 0 <= limit else { throw tooLarge(limit) }
        var body: [UInt8] = []
        body.reserveCapacity(length ?? 0)
        for try await chunk in response.body {
            guard body.count + chunk.readableBytes <= limit else { throw tooLarge(limit) }
            chunk.withUnsafeReadableBytes { body.append(contentsOf: $0) }
        }
        guard length == nil || length == body.count else {
            throw TransportError(.lost, "the response ended after \(body.count) of \(length!) bytes")
        }
        return body
    }

    private func tooLarge(_ limit: Int) -> TransportError {
        TransportError(.lost, "the response is larger than the limit of \(limit) bytes")
    }
}

extension TransportError {
    fileprivate init(_ error: any Error, to host: String) {
        switch error {
        case let error as TransportError: self = error
        case let error as HTTPClientError: self.init(error, to: host)
        case let error as NIOConnectionError: self.init(.notConnected, "cannot connect to \(host): \(error.summary)")
        case let error as NIOSSLError: self.init(.notConnected, "TLS connection to \(host) failed: \(error)")
        case let error as IOError where error.isBeforeConnection:
            self.init(.notConnected, "cannot connect to \(host): \(String(cString: strerror(error.errnoCode)))")
        case let error as IOError: self.init(.lost, "the connection to \(host) was lost: \(error)")
        default: self.init(.lost, "the connection to \(host) was lost: \(error)")
        }
    }

    private init(_ error: HTTPClientError, to host: String) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout:
            self.init(.notConnected, "connecting to \(host) timed out")
        case .proxyAuthenticationRequired:
            self.init(
                .notConnected, "cannot connect to \(host): the proxy requires another user or password (HTTPS_PROXY)")
        case .invalidURL, .emptyHost, .emptyScheme, .invalidProxyResponse:
            self.init(.notConnected, "cannot connect to \(host): \(error.shortDescription)")
        case .readTimeout: self.init(.timedOut, "\(host) stopped responding")
        case .deadlineExceeded: self.init(.timedOut, "\(host) did not respond in time")
        case .writeTimeout: self.init(.timedOut, "sending the request to \(host) timed out")
        default: self.init(.lost, "the connection to \(host) was lost: \(error.shortDescription)")
        }
    }
}

extension IOError {
    /// Whether the error occurs only while connecting, never on an established connection.
    fileprivate var isBeforeConnection: Bool {
        [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL].contains(errnoCode)
    }
}

extension NIOConnectionError {
    fileprivate var summary: String {
        if let failure = connectionErrors.first { return "\(failure.error)" }
        return dnsAError == nil && dnsAAAAError == nil ? "no address" : "cannot resolve the host name"
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }
}

/// Connection settings: time limits, proxy, and trusted certificates.
package struct HTTPSettings: Sendable {
    /// Time limit for establishing a connection, including TLS.
    package var connectTimeout: Duration
    /// Time limit for the first chunk of a response, and between two chunks.
    package var silenceTimeout: Duration
    /// The HTTP proxy, from `HTTPS_PROXY`.
    package var proxy: Proxy?
    /// Path of a PEM file with certificates to trust instead of the system's, from `AWS_CA_BUNDLE` or `ca_bundle`.
    package var certificates: String?

    package init(
        connectTimeout: Duration = .seconds(5), silenceTimeout: Duration = .seconds(60),
        proxy: Proxy? = nil, certificates: String? = nil
    ) {
        self.connectTimeout = connectTimeout
        self.silenceTimeout = silenceTimeout
        self.proxy = proxy
        self.certificates = certificates
    }

    /// An HTTP proxy. However it is printed, its user and password are not shown.
    package struct Proxy: Sendable, CustomStringConvertible, CustomReflectable {
        package var host: String
        package var port: Int
        package var login: (user: String, password: String)?

        package init(host: String, port: Int, login: (user: String, password: String)? = nil) {
            self.host = host
            self.port = port
            self.login = login
        }

        package var description: String { "\(host):\(port)" }
        package var customMirror: Mirror { Mirror(self, children: ["host": host, "port": port]) }
    }

    /// Whether a file has certificates to trust. A connection that needs one would fail without saying why.
    package static func hasCertificates(_ path: String) -> Bool {
        (try? NIOSSLCertificate.fromPEMFile(path))?.isEmpty == false
    }

    /// Uses HTTP/1.1, as AWS's SDKs do. Redirects are not followed and requests are not retried here, since a signature
    /// is valid for one host and one attempt. Idle connections are closed before the server closes them: a request sent
    /// on a closed connection counts as lost.
    func configuration() throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: amount(connectTimeout), read: amount(silenceTimeout)),
            proxy: proxy.map { proxy in
                .server(
                    host: proxy.host, port: proxy.port,
                    authorization: proxy.login.map { .basic(username: $0.user, password: $0.password) })
            }, decompression: .disabled)
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

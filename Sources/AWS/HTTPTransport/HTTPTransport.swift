import AWSCore
import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Gives `body` a transport over async-http-client, whose connections are closed afterwards.
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

/// Sends requests by async-http-client. This is the one file that knows it.
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
                body: try await collect(response, expected: request.method == .head ? 0 : nil))
        } catch {
            try Task.checkCancellation()
            throw TransportError(error, to: request.endpoint.authority)
        }
    }

    /// - Throws: where the body is shorter than its length was said to be.
    private func collect(_ response: HTTPClientResponse, expected: Int?) async throws -> [UInt8] {
        let length = expected ?? response.headers.first(name: "content-length").flatMap { Int($0) }
        var body: [UInt8] = []
        body.reserveCapacity(min(length ?? 0, 64 << 20))
        for try await chunk in response.body { chunk.withUnsafeReadableBytes { body.append(contentsOf: $0) } }
        guard length == nil || length == body.count else {
            throw TransportError(.lost, "the answer ended after \(body.count) of \(length!) bytes")
        }
        return body
    }
}

extension TransportError {
    fileprivate init(_ error: any Error, to host: String) {
        switch error {
        case let error as TransportError: self = error
        case let error as HTTPClientError: self.init(error, to: host)
        case let error as NIOConnectionError: self.init(.notConnected, "cannot connect to \(host): \(error.summary)")
        case let error as NIOSSLError: self.init(.notConnected, "no trusted TLS connection to \(host): \(error)")
        case let error as IOError where error.isBeforeConnection:
            self.init(.notConnected, "cannot connect to \(host): \(String(cString: strerror(error.errnoCode)))")
        case let error as IOError: self.init(.lost, "the connection to \(host) was lost: \(error)")
        default: self.init(.lost, "the connection to \(host) was lost: \(error)")
        }
    }

    private init(_ error: HTTPClientError, to host: String) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout:
            self.init(.notConnected, "cannot connect to \(host) in time")
        case .invalidURL, .emptyHost, .emptyScheme, .invalidProxyResponse, .proxyAuthenticationRequired:
            self.init(.notConnected, "cannot connect to \(host): \(error.shortDescription)")
        case .readTimeout: self.init(.timedOut, "\(host) was silent for too long")
        case .deadlineExceeded: self.init(.timedOut, "\(host) did not answer in time")
        case .writeTimeout: self.init(.timedOut, "\(host) did not take the request in time")
        default: self.init(.lost, "the connection to \(host) was lost: \(error.shortDescription)")
        }
    }
}

extension IOError {
    /// What connecting fails with, and what no connection that stands can fail with.
    fileprivate var isBeforeConnection: Bool {
        [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL].contains(errnoCode)
    }
}

extension NIOConnectionError {
    fileprivate var summary: String {
        if let failure = connectionErrors.first { return "\(failure.error)" }
        return dnsAError == nil && dnsAAAAError == nil ? "no address" : "the name is not known"
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        self = .nanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
    }
}

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
